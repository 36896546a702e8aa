"""SQL: ask the lake anything, read-only, with its tables beside the query; keep queries; draw and download results."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from app import charts, data, downloads, format, terminal
from her_models.contracts import TABLES
from her_models.errors import QueryError

ROWS_LIMIT = 20_000
SECONDS_LIMIT = 30.0
EXAMPLES = {
    "Cost per project and month": """\
select project, strftime(day_on, '%Y-%m') as month, round(sum(billed_usd), 2) as usd
from daily_cost
group by all
order by usd desc""",
    "Dearest turns": """\
select sessions.project, sessions.title, turns.turn_index, turns.requests_count, round(turns.incurred_usd, 4) as usd
from turns
inner join sessions using (source_id, session_id)
where not turns.is_inherited
order by turns.incurred_usd desc nulls last
limit 50""",
    "Tools by bytes the model had to read": """\
select tool_name, sum(calls_count)::bigint as calls, sum(errors_count)::bigint as failed,
    sum(result_bytes)::bigint as result_bytes, round(sum(requesting_usd), 2) as usd
from tool_cost
group by all
order by result_bytes desc""",
    "Cache hit ratio per model and day": """\
select day_on, model,
    round(sum(cache_read_tokens) / sum(
        uncached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + cache_read_tokens
    ), 4) as cache_hit_ratio
from daily_cost
group by all
order by day_on, model""",
    "Files read most often": """\
select path, count(*) as calls, sum(text_bytes)::bigint as bytes
from blocks
where kind = 'tool_result' and tool_name = 'Read' and not is_inherited
group by all
order by calls desc
limit 100""",
}


def draw_schema() -> None:
    """Draw the tables one can ask, with the meaning of each column."""
    st.subheader("Tables")
    layers = {"mart": "models", "own": "your own", "staged": "as read", "nightly": "nightly", "control": "ingest"}
    order = sorted(TABLES.values(), key=lambda one: (list(layers).index(one.layer), one.name))
    name = st.selectbox(
        "Table",
        [one.name for one in order],
        format_func=lambda one: f"{one}  ·  {layers[TABLES[one].layer]}",
        label_visibility="collapsed",
        key="schema_table",
    )
    table = TABLES[name]
    st.caption(f"One row per {table.grain}. Key: {format.escaped(', '.join(table.key))}.")
    columns = pd.DataFrame([(c.name, c.type, c.meaning) for c in table.columns], columns=["Column", "Type", "Meaning"])
    st.dataframe(
        columns,
        hide_index=True,
        height=460,
        column_config={
            "Column": st.column_config.TextColumn(width=175),
            "Type": st.column_config.TextColumn(width=110),
            "Meaning": st.column_config.TextColumn(width=420),
        },
        alt=f"Columns of {name}",
    )
    downloads.table(pa.Table.from_pandas(columns, preserve_index=False), f"Columns of {name}")


def load_chosen() -> None:
    """Put the query chosen from the list into the box."""
    name = st.session_state["query_choice"]
    if name:
        st.session_state["sql"] = {**EXAMPLES, **data.saved_queries()}.get(name, "")


def load_given() -> bool:
    """Put the query that the address holds into the box; return whether it is new there, and so to be asked."""
    given = st.query_params.get("query")
    if not given or ("sql" in st.session_state and st.session_state.get("query_given") == given):
        return False
    st.session_state["query_given"] = st.session_state["sql"] = given
    return True


def draw_saving(sql: str) -> None:
    """Draw what keeps the query in the box, and what drops kept ones."""
    with st.popover("Keep", icon=":material/bookmark:"):
        with st.form("keep_query", border=False):
            name = st.text_input("Name", key="query_name", max_chars=80)
            if st.form_submit_button("Keep this query") and name.strip():
                data.save_query(name.strip(), sql)
                st.rerun()
        for kept in data.saved_queries():
            if st.button(format.escaped(kept), icon=":material/delete:", key=f"forget_{kept}", help="Drop it"):
                data.forget_query(kept)
                st.rerun()


def draw_result(table: pa.Table, is_cut: bool) -> None:
    """Draw the rows, the downloads and, if wanted, a chart."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.caption(
            f"The first {table.num_rows:,} rows; there are more. Narrow the query to see them."
            if is_cut
            else format.counted(table.num_rows, "row")
        )
        with st.container(horizontal=True, width="content"):
            downloads.button(
                "CSV", lambda: terminal.as_csv(table), "result.csv", "text/csv", icon=":material/download:"
            )
            downloads.button(
                "Parquet",
                lambda: terminal.as_parquet(table),
                "result.parquet",
                "application/vnd.apache.parquet",
                icon=":material/download:",
            )
    frame = table.to_pandas()
    for column in table.schema:
        if pa.types.is_decimal(column.type):
            frame[column.name] = frame[column.name].astype("float64")
    links = _links(frame)
    st.dataframe(frame, hide_index=True, placeholder="null", column_config=links, alt="Result")
    draw_chart(frame.drop(columns=list(links)))


def _links(frame: pd.DataFrame) -> dict[str, Any]:
    """Draw a column that holds addresses of this app's session page as links."""
    return {
        name: st.column_config.LinkColumn(name.replace("_", " "), display_text="open", width="small")
        for name in frame.columns
        if frame[name].notna().any() and frame[name].dropna().map(_is_session_address).all()
    }


def _is_session_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/session?session=")


def draw_chart(frame: pd.DataFrame) -> None:
    """Draw the result as a chart over columns of the reader's choice."""
    numbers = [name for name in frame.columns if pd.api.types.is_numeric_dtype(frame[name])]
    if not numbers or len(frame) < 2:
        return
    with st.expander("Chart", icon=":material/bar_chart:", expanded=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            kind = st.segmented_control(
                "Kind", ["Bars", "Line", "Points"], default="Bars", required=True, key="chart", bind="query-params"
            )
            others = [name for name in frame.columns if name not in numbers] or list(frame.columns)
            x = st.selectbox(
                "Across",
                list(frame.columns),
                index=list(frame.columns).index(others[0]),
                key="across",
                bind="query-params",
            )
            y = st.multiselect("Up", numbers, default=numbers[-1:], key="up", bind="query-params")
        if x and y:
            shown = frame.head(2000)
            charts.of_result(shown, kind or "Bars", x, [n for n in y if n != x] or y).draw("Chart of the result")
            if len(frame) > len(shown):
                st.caption(f"The chart holds the first {len(shown):,} rows.")


st.title("SQL")
left, right = st.columns([5, 3], gap="large")
with right:
    draw_schema()
with left:
    st.selectbox(
        "Queries",
        [*data.saved_queries(), *EXAMPLES],
        index=None,
        placeholder="Examples and your own queries",
        label_visibility="collapsed",
        key="query_choice",
        on_change=load_chosen,
    )
    is_given = load_given()
    st.session_state.setdefault("sql", EXAMPLES["Cost per project and month"])
    sql = st.text_area("Query", key="sql", height=170, label_visibility="collapsed")
    with st.container(horizontal=True, vertical_alignment="center"):
        is_asked = st.button("Run", type="primary", icon=":material/play_arrow:", shortcut="Mod+Enter")
        draw_saving(sql)
        st.caption("Read-only: one select over the lake, nothing else can be reached.")
    if is_asked:  # the address then leads to this answer
        st.query_params["query"] = st.session_state["query_given"] = sql
    if is_asked or is_given:
        st.session_state.pop("sql_result", None)
        try:
            with st.spinner("Asking…", show_time=True):
                st.session_state["sql_result"] = data.run_sql(sql, limit=ROWS_LIMIT, seconds=SECONDS_LIMIT)
        except QueryError as error:
            st.error("This query cannot be run.", icon=":material/error:")
            st.code(str(error), None, wrap_lines=True)
    if "sql_result" in st.session_state:
        draw_result(st.session_state["sql_result"].table, st.session_state["sql_result"].is_cut)
