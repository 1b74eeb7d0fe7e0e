"""A mailbox: what people write is heard by IMAP and answered by SMTP.

Mail is read without being marked. The cursor is the place in the folder's own numbering; where
the server numbers anew, the folder is read again and the Message-ID keeps each mail single.
"""

from earmark_listeners.channels.email.listener import EmailListener

__all__ = ["EmailListener"]
