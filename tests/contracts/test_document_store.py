"""What every store does with documents, whatever it is built on."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from pydantic import JsonValue

from kamerplanter_backend.common.exceptions import (
    ConflictError,
    NotFoundError,
    StaleRevisionError,
    UnavailableError,
)
from kamerplanter_backend.domain.interfaces.document_store import (
    CommandResult,
    Document,
    DocumentStore,
    Operator,
    Order,
    Query,
    UndeclaredWriteError,
    Where,
)
from kamerplanter_backend.domain.interfaces.encoding import instant_text
from kamerplanter_engines.errors import InvalidInputError
from tests.contracts.conftest import ARANGO_URL, STORES
from tests.factories import NOW, OTHER_TENANT, TENANT

TANKS = frozenset({"tanks"})


def test_arangodb_keeps_the_same_contracts() -> None:
    if "arango" not in STORES:
        pytest.skip(f"no ArangoDB: set {ARANGO_URL} to the address of a test server")
    assert STORES[-1] == "arango"


def tank(key: str, **changes: JsonValue) -> Document:
    moment = instant_text(NOW)
    return {
        "key": key,
        "tenant_key": TENANT,
        "revision": 1,
        "created_at": moment,
        "updated_at": moment,
        "name": f"Tank {key}",
        "tank_type": "nutrient",
        "volume_l": 50.0,
        "plain_water": False,
        "archived_at": None,
        **changes,
    }


def fill(store: DocumentStore, *documents: Document) -> None:
    with store.begin(TANKS) as transaction:
        for document in documents:
            transaction.insert("tanks", document)


def keys(  # the fields of a query, by name
    store: DocumentStore,
    *,
    where: tuple[Where, ...] = (),
    order: tuple[Order, ...] = (),
    limit: int | None = None,
    cursor: str | None = None,
) -> list[str]:
    query = Query(where=where, order=order, limit=limit, cursor=cursor)
    with store.begin(frozenset()) as transaction:
        return [str(found["key"]) for found in transaction.find("tanks", query)]


def test_document_is_read_as_it_was_written(store: DocumentStore) -> None:
    document = tank(
        "a",
        name="Regenfaß \0 😀 \u202e\u05e9\u05dc\u05d5\u05dd",
        extra={"deep": [1, None, True, "x"]},
    )

    fill(store, document)

    with store.begin(frozenset()) as transaction:
        assert transaction.get("tanks", "a") == document
        assert transaction.get("tanks", "b") is None


def test_get_many_keeps_the_order_of_the_keys_and_leaves_out_what_is_missing(
    store: DocumentStore,
) -> None:
    fill(store, *(tank(f"{number:04}") for number in range(1200)))

    with store.begin(frozenset()) as transaction:
        wanted = [f"{number:04}" for number in reversed(range(1100, 1300))]
        found = transaction.get_many("tanks", wanted)

    assert [document["key"] for document in found] == wanted[100:]


def test_exception_takes_everything_back(store: DocumentStore) -> None:
    def fail() -> None:
        with store.begin(TANKS) as transaction:
            transaction.insert("tanks", tank("a"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert keys(store) == []


def test_undeclared_write_is_refused(store: DocumentStore) -> None:
    with store.begin(TANKS) as transaction:
        with pytest.raises(UndeclaredWriteError):
            transaction.insert("plants", tank("a"))
        with pytest.raises(UndeclaredWriteError):
            transaction.readings.append([])
    with store.begin(frozenset()) as transaction:
        with pytest.raises(UndeclaredWriteError):
            transaction.remove("tanks", "a")
        with pytest.raises(UndeclaredWriteError):
            transaction.remember_command(
                TENANT, "c", CommandResult(answer=None, digest=None), at=NOW
            )


def test_nested_transaction_of_one_thread_is_refused(store: DocumentStore) -> None:
    with store.begin(frozenset()), pytest.raises(RuntimeError, match="nested"):
        store.begin(TANKS).__enter__()


def test_key_that_is_taken_is_named(store: DocumentStore) -> None:
    fill(store, tank("a"))

    with pytest.raises(ConflictError, match="'a'") as refused:
        fill(store, tank("a", name="another"))

    assert refused.value.field == "key"


def test_insert_if_new_leaves_what_is_there(store: DocumentStore) -> None:
    fill(store, tank("a"))

    with store.begin(TANKS) as transaction:
        assert not transaction.insert_if_new("tanks", tank("a", name="another"))
        assert transaction.insert_if_new("tanks", tank("b"))
        stored = transaction.get("tanks", "a")

    assert stored is not None
    assert stored["name"] == "Tank a"


def test_unique_value_is_named_with_its_field(store: DocumentStore) -> None:
    fill(store, tank("a", name="Big"))

    with pytest.raises(ConflictError) as refused:
        fill(store, tank("b", name="Big"))

    assert refused.value.field == "name"
    assert refused.value.placeholders["value"] == "Big"


def test_unique_holds_within_a_garden_and_among_living_documents(store: DocumentStore) -> None:
    fill(
        store,
        tank("a", name="Big", archived_at=instant_text(NOW)),
        tank("b", name="Big"),
        tank("c", name="Big", tenant_key=OTHER_TENANT),
    )

    assert keys(store) == ["a", "b", "c"]


def test_replace_of_an_older_state_is_stale(store: DocumentStore) -> None:
    fill(store, tank("a"))
    with store.begin(TANKS) as transaction:
        transaction.replace("tanks", tank("a", revision=2, volume_l=60), expected_revision=1)

    with store.begin(TANKS) as transaction:
        with pytest.raises(StaleRevisionError):
            transaction.replace("tanks", tank("a", revision=2, volume_l=70), expected_revision=1)
        with pytest.raises(NotFoundError):
            transaction.replace("tanks", tank("b", revision=2), expected_revision=1)
        stored = transaction.get("tanks", "a")

    assert stored is not None
    assert stored["volume_l"] == 60


def test_replace_to_a_taken_unique_value_is_refused(store: DocumentStore) -> None:
    fill(store, tank("a"), tank("b"))

    with store.begin(TANKS) as transaction, pytest.raises(ConflictError) as refused:
        transaction.replace("tanks", tank("a", revision=2, name="Tank b"), expected_revision=1)

    assert refused.value.field == "name"


def test_remove_tells_whether_it_was_there(store: DocumentStore) -> None:
    fill(store, tank("a"))

    with store.begin(TANKS) as transaction:
        assert transaction.remove("tanks", "a")
        assert not transaction.remove("tanks", "a")


@pytest.mark.parametrize(
    ("path", "operator", "value", "expected"),
    [
        ("volume_l", "==", 20, ["b"]),
        ("volume_l", "!=", 20, ["a", "c"]),
        ("volume_l", "<", 20, ["a"]),
        ("volume_l", "<=", 20, ["a", "b"]),
        ("volume_l", ">", 20, ["c"]),
        ("volume_l", ">=", 20, ["b", "c"]),
        ("volume_l", "in", [10, 30, 99], ["a", "c"]),
        ("volume_l", "in", [], []),
        ("ec_low_ms_cm", "is_null", True, ["b", "c"]),
        ("ec_low_ms_cm", "is_null", False, ["a"]),
        ("ec_low_ms_cm", "==", None, ["b", "c"]),
        ("ec_low_ms_cm", "!=", None, ["a"]),
        ("ec_low_ms_cm", "!=", 1.5, ["b", "c"]),
        ("ec_low_ms_cm", "<", 99, ["a"]),
        ("plain_water", "==", True, ["c"]),
        ("plain_water", "==", False, ["a", "b"]),
        ("name", "==", "Tank b", ["b"]),
        ("key", ">", "a", ["b", "c"]),
        ("created_at", "<=", NOW, ["a", "b", "c"]),
        ("created_at", "<", NOW, []),
        ("tank_type", "==", "nutrient", ["a", "b", "c"]),
    ],
)
def test_condition_finds(
    store: DocumentStore, path: str, operator: Operator, value: object, expected: list[str]
) -> None:
    fill(
        store,
        tank("a", volume_l=10, ec_low_ms_cm=1.5),
        tank("b", volume_l=20, ec_low_ms_cm=None),
        tank("c", volume_l=30, plain_water=True),
    )

    assert keys(store, where=(Where(path, operator, value),)) == expected
    with store.begin(frozenset()) as transaction:
        assert transaction.count("tanks", [Where(path, operator, value)]) == len(expected)


def test_all_conditions_must_hold(store: DocumentStore) -> None:
    fill(store, tank("a", volume_l=10), tank("b", volume_l=20), tank("c", volume_l=20))

    found = keys(store, where=(Where("volume_l", "==", 20), Where("key", ">", "b")))

    assert found == ["c"]


def test_moments_compare_by_time_not_by_their_texts_length(store: DocumentStore) -> None:
    whole, later = NOW, NOW.replace(microsecond=500_000)
    fill(
        store,
        tank("a", updated_at=instant_text(later)),
        tank("b", updated_at=instant_text(whole)),
    )

    assert keys(store, order=(Order("updated_at"),)) == ["b", "a"]
    assert keys(store, where=(Where("updated_at", ">", whole),)) == ["a"]


def test_order_puts_missing_values_first_and_equal_ones_by_key(store: DocumentStore) -> None:
    fill(
        store,
        tank("a", ec_low_ms_cm=2),
        tank("b", ec_low_ms_cm=None),
        tank("c", ec_low_ms_cm=1),
        tank("d", ec_low_ms_cm=2),
    )

    assert keys(store, order=(Order("ec_low_ms_cm"),)) == ["b", "c", "a", "d"]
    assert keys(store, order=(Order("ec_low_ms_cm", descending=True),)) == ["a", "d", "c", "b"]
    assert keys(store, order=(Order("ec_low_ms_cm"),), limit=2) == ["b", "c"]


INJECTIONS = [
    "' OR '1'='1",
    "'; DROP TABLE doc_tanks; --",
    '" OR ""="',
    "name') IS NOT NULL OR json_extract(body, '$.name",
    "$.name",
    "name.",
    ".name",
    "name--",
    "na me",
    "*",
    "?",
    "name\0",
    "body",
    "rowid",
    "",
    "FOR d IN tanks REMOVE d IN tanks",
]


@pytest.mark.parametrize("attempt", INJECTIONS)
def test_injected_value_is_a_value(store: DocumentStore, attempt: str) -> None:
    fill(store, tank("a"), tank("b", name=attempt or "x"))

    for operator in ("==", "<=", ">="):
        where = (Where("name", operator, attempt), Where("key", "==", attempt))
        assert keys(store, where=where) == []
    assert keys(store, where=(Where("name", "in", [attempt or "x"]),)) == ["b"]
    assert keys(store) == ["a", "b"]


@pytest.mark.parametrize("attempt", INJECTIONS)
def test_injected_path_is_refused(store: DocumentStore, attempt: str) -> None:
    fill(store, tank("a"))

    for where in (
        Where(attempt, "==", 1),
        Where(attempt, "in", [1]),
        Where(attempt, "is_null", True),
    ):
        with pytest.raises(InvalidInputError, match="is no field"):
            keys(store, where=(where,))
    with pytest.raises(InvalidInputError, match="is no field"):
        keys(store, order=(Order(attempt),))
    assert keys(store) == ["a"]


@pytest.mark.parametrize("attempt", ["or", "== 1 OR 1", "LIKE", ""])
def test_injected_operator_is_refused(store: DocumentStore, attempt: Operator) -> None:
    with pytest.raises(InvalidInputError, match="no comparison"):
        keys(store, where=(Where("name", attempt, "x"),))


@pytest.mark.parametrize(
    "value",
    [{"$ne": 1}, [1], float("nan"), float("inf"), 2**63, "\ud800", object()],
    ids=["object", "list", "nan", "inf", "huge", "surrogate", "anything"],
)
def test_value_that_cannot_be_stored_is_refused(store: DocumentStore, value: object) -> None:
    with pytest.raises(InvalidInputError):
        keys(store, where=(Where("name", "==", value),))


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "ä",
        "W10",
        "bnVsbA",
        "WyIiLCJhIiwiYiJd",
        "WyIiLHsiYSI6MX1d",
        "' OR 1=1 --",
        "[",
    ],
)
def test_foreign_cursor_is_refused(store: DocumentStore, cursor: str) -> None:
    fill(store, tank("a"))

    with pytest.raises(InvalidInputError, match="cursor"):
        keys(store, cursor=cursor)


@pytest.mark.parametrize("value", ["text", b"bytes", 5, None, ["x"] * 10_001, [["x"]]])
def test_list_that_is_none_is_refused(store: DocumentStore, value: object) -> None:
    with pytest.raises(InvalidInputError):
        keys(store, where=(Where("name", "in", value),))


def test_page_needs_a_limit(store: DocumentStore) -> None:
    with store.begin(frozenset()) as transaction, pytest.raises(InvalidInputError):
        transaction.page("tanks", Query())


@pytest.mark.parametrize("limit", [0, -1, 2**40])
def test_limit_that_is_none_is_refused(store: DocumentStore, limit: int) -> None:
    with pytest.raises(InvalidInputError, match="limit"):
        keys(store, limit=limit)


@pytest.mark.parametrize(
    "order",
    [(), (Order("ec_low_ms_cm"),), (Order("ec_low_ms_cm", descending=True), Order("name"))],
    ids=["by key", "missing first", "missing last"],
)
def test_pages_are_complete_while_documents_come_and_go(
    store: DocumentStore, order: tuple[Order, ...]
) -> None:
    fill(store, *(tank(f"{n:03}", ec_low_ms_cm=[None, 1, 2][n % 3]) for n in range(30)))
    seen: list[str] = []
    cursor = None

    for round_number in range(100):
        query = Query(order=order, limit=7, cursor=cursor)
        with store.begin(frozenset()) as transaction:
            page = transaction.page("tanks", query)
        seen += [str(found["key"]) for found in page.items]
        cursor = page.cursor
        if cursor is None:
            break
        # One that was shown goes, and one that sorts before all others comes.
        with store.begin(TANKS) as transaction:
            transaction.remove("tanks", seen[-1])
            early = tank(f"!{round_number}", ec_low_ms_cm=9 if len(order) == 2 else None)
            transaction.insert("tanks", early)

    original = [key for key in seen if not key.startswith("!")]
    assert sorted(original) == [f"{n:03}" for n in range(30)]
    assert len(seen) == len(set(seen))


def test_page_counts_all_documents_and_the_last_one_has_no_cursor(store: DocumentStore) -> None:
    fill(store, *(tank(key) for key in "abcd"))

    with store.begin(frozenset()) as transaction:
        first = transaction.page("tanks", Query(limit=2))
        last = transaction.page("tanks", Query(limit=2, cursor=first.cursor))

    assert (first.total, last.total) == (4, 4)
    assert first.cursor is not None
    assert last.cursor is None


def test_cursor_of_another_order_is_refused(store: DocumentStore) -> None:
    fill(store, *(tank(key) for key in "abc"))
    with store.begin(frozenset()) as transaction:
        cursor = transaction.page("tanks", Query(limit=1, order=(Order("name"),))).cursor

    with pytest.raises(InvalidInputError, match="cursor"):
        keys(store, cursor=cursor, order=(Order("volume_l"),))


def test_document_of_a_megabyte_comes_back_whole(store: DocumentStore) -> None:
    text = "Blattläuse 🐛 " * 75_000

    fill(store, tank("a", name=text))

    with store.begin(frozenset()) as transaction:
        stored = transaction.get("tanks", "a")
    assert stored is not None
    assert stored["name"] == text
    assert len(text.encode()) > 1_000_000


def test_reader_sees_one_moment(store: DocumentStore) -> None:
    fill(store, tank("a"))

    with store.begin(frozenset()) as transaction:
        before = transaction.count("tanks")
        pool = ThreadPoolExecutor(1)
        writing = pool.submit(fill, store, tank("b"))
        # A file lets the writer through at once; in memory it comes after the reader.
        wait([writing], timeout=0.2)
        after = transaction.count("tanks")

    writing.result(timeout=5)
    pool.shutdown()
    assert (before, after) == (1, 1)
    assert keys(store) == ["a", "b"]


def test_command_is_remembered_with_its_answer(store: DocumentStore) -> None:
    result = CommandResult(answer={"key": "a", "count": None}, digest="d")
    with store.begin(TANKS) as transaction:
        transaction.remember_command(TENANT, "c", result, at=NOW)

    with store.begin(TANKS) as transaction:
        assert transaction.seen_command(TENANT, "c") == result
        assert transaction.seen_command(OTHER_TENANT, "c") is None
        transaction.forget_commands(OTHER_TENANT)
        assert transaction.seen_command(TENANT, "c") == result
        with pytest.raises(ConflictError):
            transaction.remember_command(TENANT, "c", result, at=NOW)


def test_command_is_forgotten_after_30_days(store: DocumentStore) -> None:
    result = CommandResult(answer=1, digest=None)
    with store.begin(TANKS) as transaction:
        transaction.remember_command(TENANT, "old", result, at=NOW)
    with store.begin(TANKS) as transaction:
        transaction.remember_command(TENANT, "kept", result, at=NOW.replace(day=31))

    with store.begin(TANKS) as transaction:
        assert transaction.seen_command(TENANT, "old") == result
        transaction.remember_command(TENANT, "new", result, at=NOW.replace(month=6, day=1))
        assert transaction.seen_command(TENANT, "old") is None
        assert transaction.seen_command(TENANT, "kept") == result


def test_pause_lets_readers_through(store: DocumentStore) -> None:
    fill(store, tank("a"))

    with store.pause_writes():
        assert keys(store) == ["a"]

    fill(store, tank("b"))
    assert keys(store) == ["a", "b"]


def test_writer_waits_until_the_pause_is_over(store: DocumentStore) -> None:
    with ThreadPoolExecutor(1) as pool:
        with store.pause_writes():
            writing = pool.submit(fill, store, tank("a"))
            assert keys(store) == []

        writing.result(timeout=5)

    assert keys(store) == ["a"]


def test_pause_may_end_on_another_thread(store: DocumentStore) -> None:
    pause = store.pause_writes()

    with ThreadPoolExecutor(1) as one:
        one.submit(pause.__enter__).result()
    with ThreadPoolExecutor(1) as another:
        another.submit(pause.__exit__, None, None, None).result()

    fill(store, tank("a"))
    assert keys(store) == ["a"]


def test_closed_store_says_so(store: DocumentStore) -> None:
    store.close()
    store.close()

    with pytest.raises(UnavailableError, match="closed"):
        keys(store)
    with pytest.raises(UnavailableError, match="closed"):
        fill(store, tank("a"))


def test_sound_store_has_no_findings(store: DocumentStore) -> None:
    fill(store, tank("a"))

    assert store.check() == []


def test_check_names_a_document_that_does_not_fit(store: DocumentStore) -> None:
    fill(store, tank("a"), tank("b", volume_l="much"))

    (finding,) = store.check()

    assert (finding.collection, finding.key) == ("tanks", "b")
    assert "volume_l" in finding.problem
