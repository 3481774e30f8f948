using System.Text.Json;
using Checkpointer.FaultProxy.Faults;

namespace Checkpointer.FaultProxy;

/// <summary>A plan as told from outside, on the command line or by JSON (snake_case).</summary>
public sealed record PlanDescription
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>The probability of a fault.</summary>
    public double Rate { get; init; }

    /// <summary>The kinds, separated by commas, or <c>all</c>.</summary>
    public string Kinds { get; init; } = "all";

    /// <summary>The seed.</summary>
    public int Seed { get; init; }

    /// <summary>Each kind is injected at most so often; null is without end.</summary>
    public int? Times { get; init; }

    /// <summary>Only requests of this method; null is any.</summary>
    public string? Method { get; init; }

    /// <summary>Only requests whose path contains this; null is any.</summary>
    public string? Key { get; init; }

    /// <summary>Makes the plan.</summary>
    public FaultPlan ToPlan()
    {
        var kinds = FaultKinds.Parse(Kinds);
        var plan = Times is { } times
            ? FaultPlan.Limited(Seed, Rate, times, kinds)
            : FaultPlan.Seeded(Seed, Rate, kinds);
        return Method is null && Key is null ? plan : plan.For(Method, Key);
    }

    internal static PlanDescription Parse(ReadOnlySpan<byte> json) =>
        JsonSerializer.Deserialize<PlanDescription>(json, Json) ?? new PlanDescription();
}
