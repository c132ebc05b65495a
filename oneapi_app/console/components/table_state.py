"""The state behind a table: page, sort, search and filters, kept in the address bar; selection; loading.

A page's state mixes it in and says how to fetch one page of rows. Nothing here knows what the rows are.
"""

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

import reflex as rx

from oneapi_app.console.client import set_query
from oneapi_app.console.session import ConsoleState

PAGE_SIZES = ("10", "20", "50", "100")


class TableState(ConsoleState, mixin=True):
    """Mix in as ``class TokensState(TableState, rx.State)`` and give it ``rows`` and ``_load_rows``.

    ``_load_rows`` reads ``page``, ``page_size``, ``sort`` ("name" or "-name"), ``search`` and ``filters``, asks
    a service through ``self._read`` and assigns ``rows`` (a new list) and ``total``. Rows need an ``id``.
    """

    DEFAULT_SORT: ClassVar[str] = ""
    FILTERS: ClassVar[tuple[str, ...]] = ()
    """Names of the filters; each is a text in ``filters`` and a parameter in the address."""

    if TYPE_CHECKING:
        rows: list[Any]

    page: int = 1
    page_size: int = 20
    total: int = 0
    sort: str = ""
    search: str = ""
    filters: dict[str, str] = {}
    loading: bool = True
    loaded: bool = False
    selected: list[int] = []

    @rx.var
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.page_size))

    @rx.var
    def active_filters(self) -> int:
        """How many filters are set, for the badge on the filter button."""
        return sum(1 for value in self.filters.values() if value)

    @rx.event
    async def open(self) -> Any:
        """On load: takes the view from the address and fetches it."""
        query = self.router.url.query_parameters
        self.page = _whole(query.get("page"), 1, 1_000_000)
        self.page_size = _whole(query.get("size"), 20, 100)
        self.sort = query.get("sort", self.DEFAULT_SORT)
        self.search = query.get("q", "")
        self.filters = {name: query.get(name, "") for name in self.FILTERS}
        self.selected = []
        await self._refresh()

    @rx.event
    async def refresh(self) -> Any:
        """Fetches the same view again."""
        await self._refresh()

    @rx.event
    async def go_to(self, page: int) -> Any:
        self.page = max(1, page)
        return await self._show()

    @rx.event
    async def set_page_size(self, size: str) -> Any:
        self.page_size, self.page = _whole(size, 20, 100), 1
        return await self._show()

    @rx.event
    async def sort_by(self, name: str) -> Any:
        """Ascending, then descending, then the default."""
        following = {name: f"-{name}", f"-{name}": self.DEFAULT_SORT}
        self.sort, self.page = following.get(self.sort, name), 1
        return await self._show()

    @rx.event
    async def search_for(self, text: str) -> Any:
        self.search, self.page = text, 1
        return await self._show()

    @rx.event
    async def set_filter(self, name: str, value: str) -> Any:
        if name in self.FILTERS:
            self.filters, self.page = {**self.filters, name: value}, 1
        return await self._show()

    @rx.event
    async def clear_filters(self) -> Any:
        self.filters, self.search, self.page = dict.fromkeys(self.FILTERS, ""), "", 1
        return await self._show()

    @rx.event
    async def toggle_row(self, row_id: int) -> Any:
        await self._actor()
        chosen = set(self.selected) ^ {row_id}
        self.selected = sorted(chosen)

    @rx.event
    async def toggle_page(self, checked: bool) -> Any:
        """Selects or leaves out all rows of this page."""
        await self._actor()
        self.selected = [row.id for row in self.rows] if checked else []

    @rx.event
    async def clear_selection(self) -> Any:
        await self._actor()
        self.selected = []

    async def _load_rows(self) -> None:
        raise NotImplementedError

    async def _refresh(self) -> None:
        """Fetches the rows, and the last page when this one no longer exists."""
        try:
            await self._load_rows()
            if not self.rows and self.total and self.page > 1:
                self.page = -(-self.total // self.page_size)
                await self._load_rows()
            self.loaded = True
        finally:
            self.loading = False

    async def _show(self) -> rx.event.EventSpec:
        self.selected = []
        await self._refresh()
        return set_query(self._query())

    def _query(self) -> str:
        """The view as an address: only what differs from how the page opens by itself."""
        parts = {
            "q": self.search,
            "sort": "" if self.sort == self.DEFAULT_SORT else self.sort,
            "page": "" if self.page == 1 else str(self.page),
            "size": "" if self.page_size == 20 else str(self.page_size),
            **self.filters,
        }
        return urlencode({name: value for name, value in parts.items() if value})


def _whole(text: str | None, default: int, most: int) -> int:
    try:
        return min(max(1, int(text or default)), most)
    except ValueError:
        return default
