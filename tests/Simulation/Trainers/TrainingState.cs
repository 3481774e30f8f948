using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;

namespace Checkpointer.Simulation.Trainers;

/// <summary>
/// What a rank "trains": every step makes new bytes out of the step before, the attempt and the step, so that an image that is
/// torn, of another step, of another rank or of another lineage shows as other bytes. Sharded, replicated and frozen tensors.
/// </summary>
internal sealed class TrainingState(int worldSize, int seed)
{
    private const int Rows = 8;
    private const int Columns = 256;
    private const int Shared = 2;

    /// <summary>The state of a run that starts from scratch.</summary>
    public ulong Initial => Mix((ulong)seed, 0x1234_5678_9abc_def0);

    /// <summary>The state after <paramref name="step"/>, taken by <paramref name="attempt"/>.</summary>
    public static ulong Next(ulong state, Step step, Attempt attempt) => Mix(Mix(state, (ulong)step.Value), (ulong)attempt.Value);

    /// <summary>What rank 0 reports of a step: the same in each attempt, as deterministic training has it.</summary>
    public double LossOf(Step step) => 1.0 + (1.0 / step.Value) + (seed % 7);

    public Layout LayoutOf(Rank rank)
    {
        Rank[] all = [.. Enumerable.Range(0, worldSize).Select(value => new Rank(value))];
        var builder = new LayoutBuilder()
            .Add("weights", DType.I32, [Rows, Columns], ByRows(rank))
            .Add("frozen", DType.I32, [Rows, Columns], ByRows(rank))
            .Add("own", DType.U8, [777]);
        for (var i = 0; i < Shared; i++)
        {
            var name = $"shared{(char)('0' + i)}";
            var placement = new Placement { GlobalShape = [300], Offsets = [0], Replicas = worldSize == 1 ? null : all };
            _ = builder.Add(name, DType.I32, [300], placement, worldSize == 1 || Placement.OwnerOf(name, all) == rank);
        }

        return builder.Build();
    }

    /// <summary>The bytes of one rank in that state.</summary>
    public byte[] ImageOf(Layout layout, Rank rank, ulong state)
    {
        var image = new byte[layout.ImageBytes];
        foreach (var tensor in layout.Tensors)
        {
            var of = tensor.Name.StartsWith("shared", StringComparison.Ordinal) ? 0UL : (ulong)rank.Value + 1;
            var from = tensor.Name == "frozen" ? Initial : state;
            var key = Mix(Mix(from, of), XxHash64.HashToUInt64(Encoding.UTF8.GetBytes(tensor.Name)));
            Fill(image.AsSpan((int)tensor.Begin, (int)tensor.SizeBytes), key);
        }

        return image;
    }

    private static void Fill(Span<byte> bytes, ulong key)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        for (var at = 0; at < bytes.Length; at += sizeof(ulong))
        {
            key = Mix(key, (ulong)at);
            BinaryPrimitives.WriteUInt64LittleEndian(word, key);
            word[..Math.Min(sizeof(ulong), bytes.Length - at)].CopyTo(bytes[at..]);
        }
    }

    private static ulong Mix(ulong a, ulong b)
    {
        // SplitMix64's finaliser.
        var z = (a ^ (b * 0x9e37_79b9_7f4a_7c15)) + 0x9e37_79b9_7f4a_7c15;
        z = (z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9;
        z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
        return z ^ (z >> 31);
    }

    private Placement ByRows(Rank rank) => new()
    {
        GlobalShape = [(long)Rows * worldSize, Columns],
        Offsets = [(long)Rows * rank.Value, 0],
    };
}
