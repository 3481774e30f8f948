using System.Globalization;

namespace Checkpointer.Benchmarks.S3;

/// <summary>What an agent says of itself at <c>/metrics</c>.</summary>
internal static class AgentMetrics
{
    private const string Allocated = "dotnet_gc_heap_total_allocated_bytes_total";

    /// <summary>Bytes that its managed code has allocated since it started.</summary>
    public static async Task<double> AllocatedBytesAsync(Uri agent, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri(agent, "/metrics"), cancellationToken);
        var line = text.Split('\n').Single(line => line.StartsWith(Allocated, StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }
}
