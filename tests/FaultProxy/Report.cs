using System.Text.Json;
using System.Text.Json.Nodes;
using Checkpointer.FaultProxy.Faults;

namespace Checkpointer.FaultProxy;

/// <summary>What a proxy did, as JSON.</summary>
public static class Report
{
    /// <summary>Writes the counts.</summary>
    public static string Of(FaultCounts counts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        return new JsonObject
        {
            ["requests"] = counts.Requests,
            ["unreachable"] = counts.Unreachable,
            ["injected"] = JsonSerializer.SerializeToNode(counts.ByName()),
        }.ToJsonString();
    }
}
