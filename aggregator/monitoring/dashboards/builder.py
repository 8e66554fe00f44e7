"""Dashboards through Grafana's Foundation SDK, into the JSON that Grafana imports."""

from collections.abc import Callable, Iterator
from itertools import count

from grafana_foundation_sdk.builders import common, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    SortOrder,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    GridPos,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from .definitions import Dashboard, Panel, Row
from .intervals import Schedule

COLUMNS = 24
TAG = "logemit"
DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_HEIGHTS = {"stat": 4, "series": 8, "table": 8}

Built = stat.Panel | timeseries.Panel | table.Panel


def build(dashboard: Dashboard, schedule: Schedule, datasource: str | None = None) -> str:
    """JSON, the same for the same arguments. `datasource` is the uid of the one that is chosen at first."""
    made = (
        grafana.Dashboard(f"logemit / {dashboard.title}")
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags([TAG])
        .time(f"now-{schedule.shown}", "now")
        .refresh(schedule.refresh)
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(_links())
        .with_variable(_datasource(datasource))
        .with_variable(_range(schedule))
    )
    for name, series in dashboard.variables.items():
        made.with_variable(_values(name, series))
    ids = count(1)
    for part, place in _placed(dashboard.rows):
        if isinstance(part, Row):
            made.with_row(grafana.Row(part.title).id(next(ids)).grid_pos(place))
        else:
            made.with_panel(_panel(part, schedule).id(next(ids)).grid_pos(place))
    return JSONEncoder(indent=2, sort_keys=True).encode(made.build()) + "\n"


def _placed(rows: tuple[Row, ...]) -> Iterator[tuple[Row | Panel, GridPos]]:
    """Figures share a line; the others stand by twos."""
    y = 0
    for row in rows:
        yield row, GridPos(h=1, w=COLUMNS, x=0, y=y)
        y, x, height = y + 1, 0, 0
        figures = sum(panel.kind == "stat" for panel in row.panels)
        for panel in row.panels:
            width = COLUMNS // figures if panel.kind == "stat" else COLUMNS // 2
            if x + width > COLUMNS:
                x, y = 0, y + height
            height = _HEIGHTS[panel.kind]
            yield panel, GridPos(h=height, w=width, x=x, y=y)
            x += width
        y += height


# Variables and links.


def _links() -> grafana.DashboardLink:
    """To all others, with what was chosen and the time that is shown."""
    return grafana.DashboardLink(TAG).type(DashboardLinkType.DASHBOARDS).tags([TAG]).include_vars(True).keep_time(True)


def _link(name: str) -> grafana.DashboardLink:
    url = f"/d/logemit-{name}?${{__url_time_range}}&${{__all_variables}}"
    return grafana.DashboardLink(f"More on {name}").type(DashboardLinkType.LINK).url(url)


def _datasource(uid: str | None) -> grafana.DatasourceVariable:
    variable = grafana.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return variable if uid is None else variable.current(VariableOption(text=uid, value=uid))


def _range(schedule: Schedule) -> grafana.IntervalVariable:
    chosen = VariableOption(selected=True, text=schedule.range, value=schedule.range)
    told = "What rates are taken over. The numbers change once per run: not below two intervals."
    variable = grafana.IntervalVariable("range").label("Range").description(told)
    return variable.values(",".join(schedule.ranges)).current(chosen).allow_custom_value(False)


def _values(name: str, series: str) -> grafana.QueryVariable:
    """All of them is `.*`, which also finds series without the label."""
    return (
        grafana.QueryVariable(name)
        .label(name.capitalize())
        .datasource(DATASOURCE)
        .query({"query": f"label_values({series}, {name})", "refId": name})
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


# Panels.


def _panel(panel: Panel, schedule: Schedule) -> Built:
    made = _KINDS[panel.kind](panel)
    made.title(panel.title).description(panel.description).unit(panel.unit).datasource(DATASOURCE)
    made.interval(schedule.interval).thresholds(_thresholds(panel, schedule))
    if panel.quiet:
        made.no_value(panel.quiet)
    if panel.dashboard:
        made.links([_link(panel.dashboard)])
    return made


def _stat(panel: Panel) -> stat.Panel:
    made = stat.Panel().graph_mode(BigValueGraphMode.AREA)
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    for query in _queries(panel):
        made.with_target(query.range())
    return made


def _series(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().min(0).fill_opacity(10)
    made.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    if panel.thresholds:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
    for query in _queries(panel):
        made.with_target(query.range())
    return made


def _table(panel: Panel) -> table.Panel:
    """A line for each set of labels, a column for each query, the greatest of the first on top."""
    columns = list(panel.queries)
    made = table.Panel().filterable(True).sort_by([common.TableSortByFieldState().display_name(columns[0]).desc(True)])
    for query in _queries(panel):
        made.with_target(query.instant().format(PromQueryFormat.TABLE))
    names = ["Value"] if len(columns) == 1 else [f"Value #{_letter(index)}" for index in range(len(columns))]
    shown = {"excludeByName": {"Time": True}, "renameByName": dict(zip(names, columns, strict=True))}
    made.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    return made.with_transformation(DataTransformerConfig(id_val="organize", options=shown))


_KINDS: dict[str, Callable[[Panel], Built]] = {"stat": _stat, "series": _series, "table": _table}


def _queries(panel: Panel) -> Iterator[Dataquery]:
    for index, (legend, expression) in enumerate(panel.queries.items()):
        query = Dataquery().expr(expression).legend_format(legend).datasource(DATASOURCE)
        yield query.ref_id(_letter(index))


def _letter(index: int) -> str:
    return chr(ord("A") + index)


def _thresholds(panel: Panel, schedule: Schedule) -> grafana.ThresholdsConfig:
    steps = [Threshold(None, "green")]
    if panel.thresholds:
        unit = schedule.seconds if panel.of == "interval" else 1
        first, second = (limit * unit for limit in panel.thresholds)
        if first < second:
            steps += [Threshold(first, "yellow"), Threshold(second, "red")]
        else:
            steps = [Threshold(None, "red"), Threshold(second, "yellow"), Threshold(first, "green")]
    return grafana.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
