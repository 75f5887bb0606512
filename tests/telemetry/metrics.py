"""What this process's instruments have measured, as a collector would be sent it."""

from collections.abc import Iterator

from opentelemetry.sdk.metrics.export import (
    HistogramDataPoint,
    InMemoryMetricReader,
    NumberDataPoint,
)


class Measured:
    """The measurements so far, of every server that this process ever was."""

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def value(self, name: str, **attributes: str) -> float:
        """Returns a counter's sum, or what a gauge was last set to; 0 when it never was."""
        points = self._points(name, attributes)
        return sum(point.value for point in points if isinstance(point, NumberDataPoint))

    def histogram(self, name: str, **attributes: str) -> tuple[int, float]:
        """Returns how many values a histogram took, and their sum."""
        points = list(self._points(name, attributes))
        histograms = [point for point in points if isinstance(point, HistogramDataPoint)]
        return sum(point.count for point in histograms), sum(point.sum for point in histograms)

    def _points(self, name: str, attributes: dict[str, str]) -> Iterator[object]:
        collected = self._reader.get_metrics_data()
        for resource in collected.resource_metrics if collected else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        yield from (
                            point
                            for point in metric.data.data_points
                            if attributes.items() <= dict(point.attributes or {}).items()
                        )
