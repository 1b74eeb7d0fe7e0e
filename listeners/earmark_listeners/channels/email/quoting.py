"""The new part of a mail: what its sender said this time, without quotes and signature.

By lines and in one pass, so that a mail cannot make it slow. Where nothing would be left (a mail
that only forwards) the whole text is given.
"""

import re
from typing import Final

_MOST_LINES: Final = 5_000
_LONGEST: Final = 400

_WROTE = re.compile(
    r"(?:wrote|writes|schrieb\b.{0,80}|a écrit|escribi[óo]|ha scritto|escreveu|schreef\b.{0,80}"
    r"|skrev\b.{0,80}|kirjoitti|napisał(?:\(a\))?|написал(?:а)?|пишет|写道|寫道|のメール)\s*[:：]$",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"(?:on|am|le|el|il|em|op|den|d\.|dnia|w dniu|a|på|în|на|в|il giorno)\b|[在于於]|\W*\d",
    re.IGNORECASE,
)
_DATED = re.compile(r"\d{4}.{0,40}\d{1,2}[:.]\d{2}.{0,150}<[^<>\s]+@[^<>\s]+>\s*[:：]$")
_ORIGINAL = re.compile(
    r"[-_]{2,}\s*(?:original message|forwarded message|original-nachricht|urspr[üu]ngliche "
    r"nachricht|weitergeleitete nachricht|message d'origine|message transf[ée]r[ée]|mensaje "
    r"original|messaggio originale|mensagem original|oorspronkelijk bericht|ursprungligt "
    r"meddelande|oprindelig meddelelse|opprinnelig melding|wiadomość oryginalna|"
    r"исходное сообщение|元のメッセージ|原始邮件)\s*[-_]{2,}$",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\*?(?:from|von|de|da|van|från|fra|od|от|发件人|寄件者|差出人)\s*[:：]\*?\s*\S", re.IGNORECASE
)
_SENT = re.compile(
    r"\*?(?:sent|date|gesendet|datum|envoyé|enviado|fecha|inviato|data|verzonden|skickat|sendt|"
    r"wysłano|отправлено|发送时间|日期|送信日時)\s*[:：]",
    re.IGNORECASE,
)
_TO = re.compile(
    r"\*?(?:to|subject|an|betreff|à|objet|para|asunto|a|oggetto|assunto|aan|onderwerp|till|ämne|"
    r"til|emne|do|temat|кому|тема|收件人|主题|宛先|件名)\s*[:：]",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"--\s?|—|___+")
_DEVICE = re.compile(
    r"(?:sent from (?:my )?\S.{0,40}|get outlook for \S+.{0,60}|sent with .{0,40}|"
    r"von meinem \S.{0,40} gesendet|gesendet (?:mit|von|über) .{0,60}|"
    r"envoyé (?:de|depuis|à partir de) .{0,60}|"
    r"enviado (?:desde|do|a partir do) .{0,60}|inviato da .{0,60}|verzonden vanaf .{0,60}|"
    r"skickat från .{0,60}|sendt fra .{0,60}|iPhoneから送信)[.!]?",
    re.IGNORECASE,
)


def said(text: str) -> str:
    """Gives what is new in a mail's text (lines ending in newlines only)."""
    lines = [line.strip() for line in text.split("\n")[:_MOST_LINES]]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        length = _header(lines, at)
        if length and _is_answered_below(lines, at + length):
            at += length
            continue
        if length or _is_history(lines, at) or (kept and _SIGNATURE.fullmatch(line)):
            break
        if not line.startswith(">"):
            kept.append(line)
        at += 1
    new = "\n".join(_without_device(kept)).strip()
    return new or text.strip()


def _header(lines: list[str], at: int) -> int:
    """Gives how many lines from *at* say who wrote what follows, 0 if they do not."""
    if not _BEGINS.match(lines[at]):
        return 0
    joined = ""
    for length, line in enumerate(lines[at : at + 4], start=1):
        if not line or line.startswith(">"):
            return 0
        joined = f"{joined} {line}".strip()
        if len(joined) > _LONGEST:
            return 0
        if _DATED.search(joined) or (_WROTE.search(joined) and re.search(r"[\d@]", joined)):
            return length
    return 0


def _is_answered_below(lines: list[str], at: int) -> bool:
    """Says whether the quote that begins at *at* is marked by > line by line."""
    following = next((line for line in lines[at:] if line), "")
    return following.startswith(">")


def _is_history(lines: list[str], at: int) -> bool:
    """Says whether an older mail begins here, by a rule or by its header lines."""
    if _ORIGINAL.fullmatch(lines[at][:_LONGEST]):
        return True
    if not _FROM.match(lines[at]):
        return False
    below = lines[at + 1 : at + 6]
    return any(_SENT.match(line) for line in below) and any(_TO.match(line) for line in below)


def _without_device(lines: list[str]) -> list[str]:
    """Drops the telephone's own line at the end."""
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    if end and _DEVICE.fullmatch(lines[end - 1][:_LONGEST]):
        end -= 1
    return lines[:end]
