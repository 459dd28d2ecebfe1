"""The words of the pages for recipients, in their languages."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MOST_LANGUAGES = 50
WEIGHT = re.compile(r"q\s*=\s*([01](?:\.\d{0,3})?)")


@dataclass(frozen=True, slots=True)
class Words:
    """One language. ``{what}`` is a topic or a channel, ``{company}`` who sends, ``{address}`` to whom."""

    language: str
    ask: str
    ask_button: str
    done: str
    done_text: str
    preferences: str
    preferences_text: str
    reachable: str
    save: str
    saved: str
    change: str


WORDS = {
    words.language: words
    for words in (
        Words(
            "en",
            "Unsubscribe from {what}?",
            "Unsubscribe",
            "You are unsubscribed",
            "{company} will not send {what} to {address} any more.",
            "What would you like to hear about?",
            "Choose what {company} may send to {address}.",
            "Send me messages over this channel",
            "Save",
            "Your choice is saved.",
            "Choose what you hear about",
        ),
        Words(
            "de",
            "{what} abbestellen?",
            "Abbestellen",
            "Sie sind abgemeldet",
            "{company} schickt {what} nicht mehr an {address}.",
            "Worüber möchten Sie informiert werden?",
            "Wählen Sie, was {company} an {address} schicken darf.",
            "Nachrichten auf diesem Weg erhalten",
            "Speichern",
            "Ihre Auswahl ist gespeichert.",
            "Auswählen, worüber Sie informiert werden",
        ),
        Words(
            "fr",
            "Ne plus recevoir {what} ?",
            "Se désabonner",
            "Vous êtes désabonné",
            "{company} n’enverra plus {what} à {address}.",
            "De quoi souhaitez-vous être informé ?",
            "Choisissez ce que {company} peut envoyer à {address}.",
            "Recevoir des messages par ce canal",
            "Enregistrer",
            "Votre choix est enregistré.",
            "Choisir vos sujets",
        ),
        Words(
            "es",
            "¿Dejar de recibir {what}?",
            "Cancelar la suscripción",
            "Suscripción cancelada",
            "{company} ya no enviará {what} a {address}.",
            "¿Sobre qué quiere recibir información?",
            "Elija lo que {company} puede enviar a {address}.",
            "Recibir mensajes por este canal",
            "Guardar",
            "Su elección se ha guardado.",
            "Elegir los temas",
        ),
        Words(
            "pt",
            "Deixar de receber {what}?",
            "Cancelar a inscrição",
            "Inscrição cancelada",
            "{company} não enviará mais {what} para {address}.",
            "Sobre o que você quer receber notícias?",
            "Escolha o que {company} pode enviar para {address}.",
            "Receber mensagens por este canal",
            "Salvar",
            "Sua escolha foi salva.",
            "Escolher os assuntos",
        ),
    )
}
CHANNEL_NAMES = {
    "email": {"en": "e-mails", "de": "E-Mails", "fr": "les e-mails", "es": "los correos", "pt": "os e-mails"},
    "sms": {"en": "text messages", "de": "SMS", "fr": "les SMS", "es": "los SMS", "pt": "os SMS"},
    "whatsapp": {
        "en": "WhatsApp messages",
        "de": "WhatsApp-Nachrichten",
        "fr": "les messages WhatsApp",
        "es": "los mensajes de WhatsApp",
        "pt": "as mensagens do WhatsApp",
    },
    "push": {
        "en": "push notifications",
        "de": "Push-Nachrichten",
        "fr": "les notifications",
        "es": "las notificaciones",
        "pt": "as notificações",
    },
    "in_app": {
        "en": "messages in the app",
        "de": "Nachrichten in der App",
        "fr": "les messages dans l’application",
        "es": "los mensajes en la aplicación",
        "pt": "as mensagens no aplicativo",
    },
}


def words_for(locale: str | None, accepted: str) -> Words:
    """The words for a person of this locale, or whose browser accepts these languages (``Accept-Language``)."""
    wanted = [*([locale] if locale else []), *_by_preference(accepted)]
    return next((WORDS[tag] for tag in _primary(wanted) if tag in WORDS), WORDS["en"])


def channel_name(channel: str, language: str) -> str:
    """What is sent over a channel, in a language."""
    return CHANNEL_NAMES.get(channel, {}).get(language, channel)


def _by_preference(accepted: str) -> list[str]:
    """The languages in ``Accept-Language`` (RFC 9110, 12.5.4), the best first."""
    found: list[tuple[float, str]] = []
    for part in accepted.split(",")[:MOST_LANGUAGES]:
        tag, _, quality = part.partition(";")
        said = WEIGHT.search(quality)
        found.append((float(said[1]) if said else 1.0, tag))
    return [tag for weight, tag in sorted(found, key=lambda one: -one[0]) if weight]


def _primary(tags: Iterable[str]) -> Iterable[str]:
    return (tag.strip().lower().replace("_", "-").split("-")[0] for tag in tags)
