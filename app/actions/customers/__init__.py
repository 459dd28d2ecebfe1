"""Customers: who they are, how they are known, and what becomes of them."""

from app.actions.customers.devices import forget_devices, remove_device, save_device
from app.actions.customers.erasure import ErasureReceipt, erase_customer
from app.actions.customers.facts import CustomerFacts, CustomerRef, Identified
from app.actions.customers.identifying import alias, identify, identify_many, update_customer
from app.actions.customers.lifecycle import delete_customer, set_consent, suppress, unsuppress
from app.actions.customers.merging import merge
from app.actions.customers.reading import (
    CustomerView,
    DeviceView,
    find_customer,
    get_customer,
    get_customers,
    list_customers,
)
from app.actions.customers.unmerging import Unmerged, unmerge

__all__ = [
    "CustomerFacts",
    "CustomerRef",
    "CustomerView",
    "DeviceView",
    "ErasureReceipt",
    "Identified",
    "Unmerged",
    "alias",
    "delete_customer",
    "erase_customer",
    "find_customer",
    "forget_devices",
    "get_customer",
    "get_customers",
    "identify",
    "identify_many",
    "list_customers",
    "merge",
    "remove_device",
    "save_device",
    "set_consent",
    "suppress",
    "unmerge",
    "unsuppress",
    "update_customer",
]
