"""What random documents need to know of the graph beside its schema."""

SEARCHES = ("a", "O'Brien", "日本", "%", "_", "customer", "é", "WORDS")
"""What is looked for."""
NAMED = {
    "customer": "cust",
    "segment": "seg",
    "conversation": "conv",
    "visitor": "vis",
    "widget": "wid",
    "team": "team",
    "content": "cnt",
    "campaign": "cmp",
    "experiment": "exp",
    "delivery": "dlv",
    "link": "lnk",
    "integration": "int",
    "reportingWebhook": "hook",
    "subscriptionTopic": "top",
}
"""Root fields that find one thing by its id, and the prefix of it."""
FULL_TEXT = ("ConversationFilter", "search")
"""Has tests of its own."""
UNPLANNED = {"previewSegment", "explainMembership", "memberCountSeries"}
UNPLANNED |= {"presentNow", "fileLinks", "renderCannedResponse", "inboxSnapshotCursor", "identitySecret"}
UNPLANNED |= {"previewContent", "contentIssues", "sendingDomainRecords", "integrationKinds", "estimateAudience"}
UNPLANNED |= {"experimentResult", "subscriptionPreferences", "metricSeries", "sendingPolicy", "canContact"}
UNPLANNED |= {"deliveriesSnapshotCursor"}
"""Root fields that actions answer."""
CURSOR_CODES = {
    ("Query", "members"): "c",
    ("Query", "apiKeys"): "c",
    ("Query", "auditLog"): "a",
    ("Query", "outbox"): "m",
    ("Segment", "members"): "k",
    ("Segment", "memberships"): "e",
    ("Customer", "segments"): "k",
    ("Customer", "conversations"): "an",
    ("Customer", "visitors"): "s",
    ("Visitor", "conversations"): "an",
    ("Query", "visitors"): "s",
    ("Conversation", "messages"): "q",
    ("Customer", "deliveries"): "dm",
    ("Campaign", "deliveries"): "dm",
    ("Query", "deliveries"): "dm",
    ("Delivery", "engagements"): "en",
    ("Campaign", "runs"): "rn",
    ("Query", "experiments"): "ex",
    ("Query", "suppressions"): "sp",
    ("ReportingWebhook", "calls"): "wc",
}
"""How the cursors of a list begin that has one order."""
ORDER_CODES = {
    "NEWEST": "n",
    "OLDEST": "o",
    "CREATED_NEWEST": "cn",
    "CREATED_OLDEST": "co",
    "UPDATED_NEWEST": "un",
    "UPDATED_OLDEST": "uo",
    "ACTIVE_NEWEST": "an",
    "ACTIVE_OLDEST": "ao",
    "WAITING_LONGEST": "w",
    "PRIORITY": "p",
}
"""How the cursors of each order begin."""
