"""What the producer knows: every request it was told is kept, and what the latest text of each article is."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ack:
    """One 2xx answer: which article, at which revision, and the title that was sent for it."""

    external_id: str
    article_id: str
    rev: int
    status: str
    title: str


@dataclass
class Ledger:
    """All acknowledgements, in the order in which they came."""

    acks: list[Ack] = field(default_factory=list)
    retries: int = 0

    def add(self, ack: Ack) -> None:
        self.acks.append(ack)

    def latest(self) -> dict[str, Ack]:
        """Article id -> the acknowledgement with the highest revision."""
        newest: dict[str, Ack] = {}
        for ack in self.acks:
            if ack.article_id not in newest or newest[ack.article_id].rev < ack.rev:
                newest[ack.article_id] = ack
        return newest
