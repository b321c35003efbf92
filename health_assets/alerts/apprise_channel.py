"""E-mail, Microsoft Teams and the other services that apprise knows (extra `channels`)."""

import logging
from typing import Any

from health_assets.alerts.channels import Answer, Status
from health_assets.alerts.message import Message
from health_assets.alerts.state_file import AlertError


class AppriseChannel:
    """An address of apprise, such as mailto://user:password@example.com; it can be posted to but not read."""

    def __init__(self, variable: str, address: str, seconds: float) -> None:
        try:
            import apprise
        except ImportError:
            raise AlertError(f"{variable}: needs apprise; pip install 'health-assets[channels]'") from None
        logging.getLogger("apprise").disabled = True  # its messages hold addresses
        service = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if service is None:
            raise AlertError(f"{variable}: is not an address that apprise knows; see https://appriseit.com")
        self.__service: apprise.NotifyBase = service
        self.__service.socket_connect_timeout = self.__service.socket_read_timeout = seconds

    def __repr__(self) -> str:
        return "AppriseChannel(***)"

    def post(self, message: Message) -> Answer:
        """Post a message as plain text, with its file where the service takes files.

        Apprise says whether it was accepted, not why not.
        """
        try:
            files = self.__files(message.attachment)
            is_accepted = self.__service.notify(body=message.text, title=message.notification, attach=files)
        except Exception as error:  # noqa: BLE001 - whatever it is: its text may hold the address
            return Answer(Status.retry, type(error).__name__)
        return Answer(Status.delivered) if is_accepted else Answer(Status.retry, "apprise could not deliver it")

    def __files(self, attached: tuple[str, str] | None) -> Any:
        if attached is None or not self.__service.attachment_support:
            return None
        name, content = attached
        from apprise import AppriseAttachment
        from apprise.attachment.memory import AttachMemory

        return AppriseAttachment(AttachMemory(content, name, "text/html"))  # type: ignore[no-untyped-call]

    def answers(self) -> bool:
        """Apprise cannot find out; a message is posted and either accepted or not."""
        return True
