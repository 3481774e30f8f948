using System.Text.Json;

namespace Checkpointer.Cli.Demo;

/// <summary>What the trainer left behind: the digest of its final state and the exact loss of every step.</summary>
/// <param name="Sha256">Digest of weights, optimizer state, random number generators and data cursor of all ranks.</param>
/// <param name="LossBits">Per step the bits of the loss as the trainer wrote them; of a replayed step, the last.</param>
internal sealed record TrainingResult(string Sha256, IReadOnlyDictionary<long, string> LossBits)
{
    /// <summary>Reads <c>final.json</c> and <c>losses.jsonl</c> from the trainer's output folder.</summary>
    public static async Task<TrainingResult> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var final = Path.Combine(folder, "final.json");
        if (!File.Exists(final))
        {
            throw new CliException($"The trainer ended without writing {final}.");
        }

        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(final, cancellationToken).ConfigureAwait(false));
        var bits = new Dictionary<long, string>();
        await foreach (var line in File.ReadLinesAsync(Path.Combine(folder, "losses.jsonl"), cancellationToken).ConfigureAwait(false))
        {
            if (!line.EndsWith('}'))
            {
                continue; // the kill cut this line off
            }

            using var step = JsonDocument.Parse(line);
            bits[step.RootElement.GetProperty("step").GetInt64()] = step.RootElement.GetProperty("loss_bits").GetString()!;
        }

        return new TrainingResult(document.RootElement.GetProperty("sha256").GetString()!, bits);
    }

    /// <summary>Number of steps from 1 to <paramref name="steps"/> whose bits differ from <paramref name="other"/>'s, or are missing.</summary>
    public int DifferencesFrom(TrainingResult other, int steps) => Enumerable.Range(1, steps)
        .Count(step => LossBits.GetValueOrDefault(step) is not { } bits || bits != other.LossBits.GetValueOrDefault(step));
}
