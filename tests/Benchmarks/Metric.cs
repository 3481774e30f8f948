using System.Text.Json.Serialization;

namespace Checkpointer.Benchmarks;

/// <summary>One measured figure.</summary>
/// <param name="Scenario">The scenario that measured it.</param>
/// <param name="Name">Its name, such as <c>drain.vs_raw_write</c>.</param>
/// <param name="Value">The figure.</param>
/// <param name="Unit"><c>ratio</c>, <c>ms/GB</c>, <c>MiB</c>.</param>
/// <param name="Goal">What it should reach, such as <c>&lt;= 1.2</c>; null if it is only reported.</param>
/// <param name="Meets">Whether it does; null without a goal.</param>
internal sealed record Metric(
    string Scenario,
    [property: JsonPropertyName("metric")] string Name,
    double Value,
    string Unit,
    string? Goal,
    bool? Meets)
{
    /// <summary>A figure that should be at most <paramref name="limit"/>.</summary>
    public static Metric AtMost(string scenario, string name, double value, string unit, double limit) =>
        new(scenario, name, value, unit, FormattableString.Invariant($"<= {limit}"), value <= limit);

    /// <summary>A figure that should be at least <paramref name="limit"/>.</summary>
    public static Metric AtLeast(string scenario, string name, double value, string unit, double limit) =>
        new(scenario, name, value, unit, FormattableString.Invariant($">= {limit}"), value >= limit);
}
