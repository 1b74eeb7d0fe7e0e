"""Finding a mail again that is to be answered, wherever it was filed meanwhile."""

from collections.abc import Mapping
from typing import Any, Final

from earmark_listeners.channels.email.account import Mailbox
from earmark_listeners.channels.email.imap import Folder, fetch, folders, open_folder, with_id
from earmark_listeners.channels.email.reading import Fetched, id_of, parsed

_MOST_FOLDERS: Final = 30


def again_at(mailbox: Mailbox, folder: Folder, ref: Mapping[str, Any], most: int) -> Fetched | None:
    """Finds the mail by its number, or by its id where the server has numbered anew."""
    wanted = str(ref.get("message_id", ""))
    if str(ref.get("validity")) == str(folder.validity) and str(ref.get("uid", "")).isdigit():
        found = fetch(mailbox.imap, int(ref["uid"]), most)
        if found is not None and id_of(parsed(found.raw), found.raw) == wanted:
            return found
        return None
    return _by_id(mailbox, wanted, most)


def _by_id(mailbox: Mailbox, wanted: str, most: int) -> Fetched | None:
    uids = with_id(mailbox.imap, wanted) if wanted.isascii() and "@" in wanted else []
    for uid in uids:
        found = fetch(mailbox.imap, uid, most)
        if found is not None and id_of(parsed(found.raw), found.raw) == wanted:
            return found
    return None


def elsewhere(mailbox: Mailbox, ref: Mapping[str, Any], most: int) -> Fetched | None:
    """Looks for the mail in the other folders of the mailbox, but not among what is thrown away."""
    for name, marks in folders(mailbox.imap)[:_MOST_FOLDERS]:
        if marks & {"\\trash", "\\junk", "\\drafts"} or not open_folder(mailbox.imap, name):
            continue
        found = _by_id(mailbox, str(ref.get("message_id", "")), most)
        if found is not None:
            return found
    return None
