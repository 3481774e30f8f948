using System.Text.Json;
using Checkpointer.Cli.Local;

namespace Checkpointer.Benchmarks.S3;

/// <summary>A bucket and the keys to it.</summary>
internal sealed class S3Place
{
    public required Uri Endpoint { get; init; }

    public required string Bucket { get; init; }

    public required string Region { get; init; }

    public required string AccessKey { get; init; }

    public required string SecretKey { get; init; }

    /// <summary>That of the gateway which runs in <paramref name="workspace"/>.</summary>
    public static S3Place Of(LocalWorkspace workspace)
    {
        var folder = LocalGateway.FolderOf(workspace);
        using var ready = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "ready.json")));
        string Ready(string name) => ready.RootElement.GetProperty(name).GetString()!;
        var keys = File.ReadLines(Path.Combine(folder, "credentials")).Select(line => line.Split(" = ")).Where(parts => parts.Length == 2)
            .ToDictionary(parts => parts[0], parts => parts[1]);
        return new S3Place
        {
            Endpoint = new Uri(Ready("endpoint")),
            Bucket = Ready("bucket"),
            Region = Ready("region"),
            AccessKey = keys["aws_access_key_id"],
            SecretKey = keys["aws_secret_access_key"],
        };
    }
}
