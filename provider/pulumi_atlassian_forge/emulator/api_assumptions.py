"""The API contract: 32 numbered assumptions about what the API returns, and what each of them rests on."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final, Literal

Basis = Literal["documented", "assumed"]
SAME: Final = "the same"

_UNAUTHORIZED: Final = '401 `{"message": "Authorization failed"}`'


@dataclass(frozen=True, slots=True)
class Assumption:
    """One API assumption."""

    number: int
    request: str
    v1: str  # the response under v1
    v2: str  # the response under v2
    basis: Basis  # "assumed" if any part of the response is in no document
    option: str | None = None  # the emulator option that changes the response
    note: str = ""  # what exactly is documented, and what is assumed

    @property
    def name(self) -> str:
        """How the documents and the doctor refer to it: ``A07``."""
        return f"A{self.number:02}"


ASSUMPTIONS: Final = (
    Assumption(1, "any, without a known and valid bearer token or `forge-proxy-authorization`", _UNAUTHORIZED, SAME,
               "documented"),
    Assumption(2, "any, with a user's token or `as=user`", _UNAUTHORIZED, SAME, "assumed",
               note="that it is refused is documented, the status is assumed"),
    Assumption(3, "`POST`, valid", "201, the resource; or an empty body", "201, the resource with a UUID as `key` and `data.key`",
               "assumed", "register_body_v1",
               "201 and the resource of v2 are documented; what v1 returns, and `data.key` in a 201, are assumed"),
    Assumption(4, "`POST` without `type` or `data`, under v1 without `key`, or of other JSON types", "422", SAME, "assumed",
               note="that the fields are required is documented, the status is assumed"),
    Assumption(5, "`POST` with `key`", "it is the module's key", "ignored, a UUID is generated; or 422", "assumed", "body_key_v2",
               "v1 is documented, v2 is assumed"),
    Assumption(6, "`POST` of an unknown type, or of data without what the type requires or with values of another kind", "422",
               SAME, "assumed", note="that there is a 422 is documented, its cause is assumed; so is that choices, lengths, "
               "forms and properties beyond the documented ones are accepted, because Atlassian adds some without notice"),
    Assumption(7, "`POST` of the 101st module", "422", SAME, "assumed", "shared_limit",
               "the limit and the status are documented; the text, and that v1 and v2 count apart, are assumed"),
    Assumption(8, "`POST` of a key that exists", "422", "cannot happen", "assumed", note="no document names a status"),
    Assumption(9, "`GET` of a module", "200, the resource", SAME, "documented"),
    Assumption(10, "`GET` of an unknown key", '404 `{"message": …}`', SAME, "assumed",
               note="the status is documented, the text is assumed; the provider reads a 410 like a 404"),
    Assumption(11, "`GET` of the list", '200, an array; or `{"result": […], "lastEvaluatedKey": …}`', SAME, "documented",
               "list_shape", "two pages contradict each other: test against both"),
    Assumption(12, "list, and more modules are left",
               "a cursor in `lastEvaluatedKey`, or in `nextPageToken` as well; none on the last page", SAME, "assumed",
               "cursor_name", "that the cursor is there only if more is left is documented; its name is not sure"),
    Assumption(13, "list as an array, with or without `limit`", "everything", SAME, "assumed", "list_shape",
               "an array cannot hold a cursor"),
    Assumption(14, "list with a `limit` that is not a number above 0, or an invalid cursor", "422", SAME, "assumed",
               note="that there is a 422 is documented, its cause is assumed"),
    Assumption(15, "list, and a module has the key of a static one", "left out; `GET` of its key: 200", SAME, "assumed",
               "static_keys", "that it is left out is documented, the response to `GET` is assumed"),
    Assumption(16, "`PUT`, valid", "200, the resource; `data` is replaced as a whole", SAME, "assumed",
               note="the response is documented, that nothing is merged is assumed"),
    Assumption(17, "`PUT` with another `key` in the body", '400 `{"message": "Key cannot be modified during update"}`',
               "the same; or ignored", "assumed", "put_key_mismatch_v2",
               "v1 is documented; v2's page has the same words, and its body has no key"),
    Assumption(18, "`PUT` without `key` in the body", "422; or accepted", "the normal case", "assumed", "put_without_key_v1",
               "that v1 requires it is documented, the status is assumed"),
    Assumption(19, "`PUT` of an unknown key", "404", SAME, "documented"),
    Assumption(20, "`PUT` of another type", "422; or accepted", SAME, "assumed", "put_type_change", "not documented"),
    Assumption(21, "`PUT` of data without what the type requires or with values of another kind", "422", SAME, "assumed",
               note="that there is a 422 is documented, its cause is assumed; what is accepted is that of A06"),
    Assumption(22, "`PUT` of the collection", "405", SAME, "assumed", note="reference pages draw this path"),
    Assumption(23, "`DELETE` of a module", "204, no body", SAME, "documented"),
    Assumption(24, "`DELETE` of an unknown key, or a second time", "404", SAME, "documented"),
    Assumption(25, "any, too many requests (fault `rate`)", "429, with or without `Retry-After`", SAME, "assumed", "retry_after",
               "the status is documented, the header is that of sibling APIs, and that nothing was done"),
    Assumption(26, "any, with the fault `action=500`", '500 `{"message": "An internal error occurred"}`', SAME, "documented"),
    Assumption(27, "a read right after a write", "the module; or for some time the content from before the write", SAME,
               "assumed", "read_lag_ms", "not documented"),
    Assumption(28, "`POST` whose response is lost (fault `action=lose`)", "the module exists",
               "it exists under an unknown key, and is listed", "assumed", note="not documented"),
    Assumption(29, "v1 and v2", "v2's modules are not seen", "v1's modules are not seen", "assumed",
               note='that modules "must be registered again" is documented, that they are apart is inferred'),
    Assumption(30, "any error", '`{"message": …}`; or `{"type": …, "code": …, "message": …}`', SAME, "assumed", "error_body",
               "the first is documented here, the second in a sibling API"),
    Assumption(31, "`GET` of `/forge/installation/v1/{appId}/{envId}/installation/{installationId}`, an installation's details",
               "200 if the credentials belong to it; else 401", SAME, "assumed", "granted_scopes",
               "documented for the Installation Details API; that a wrong app or environment is a 401 too is assumed"),
    Assumption(32, "details, a second time within 300 s", "429, with `Retry-After`", SAME, "documented", "details_interval_s",
               "50 requests a minute and app are documented too, and not emulated"),
)  # fmt: skip


def as_text() -> str:
    """The assumptions for a terminal. ``ASSUMED`` marks those of which a part is in no document."""
    lines = [f"The API contract: {len(ASSUMPTIONS)} assumptions; ASSUMED: at least a part is in no document."]
    for one in ASSUMPTIONS:
        mark = "" if one.basis == "documented" else "  ASSUMED"
        lines.append(f"\n{one.name}  {one.request}{mark}")
        details = [f"v1: {one.v1}", f"v2: {one.v2}", one.note, f"option: {one.option}" if one.option else ""]
        for detail in filter(None, details):
            lines += textwrap.wrap(detail, 110, initial_indent="     ", subsequent_indent="         ")
    return "\n".join(lines).replace("`", "") + "\n"


def as_markdown() -> str:
    """The assumptions as a Markdown table."""
    lines = ["| # | request | v1 | v2 | basis | option |", "|---|---|---|---|---|---|"]
    for one in ASSUMPTIONS:
        basis = one.basis if one.basis == "documented" else f"**{one.basis}**"
        basis += f": {one.note}" if one.note else ""
        option = f"`{one.option}`" if one.option else ""
        lines.append(f"| {one.name} | {one.request} | {one.v1} | {one.v2} | {basis} | {option} |")
    return "\n".join(lines) + "\n"
