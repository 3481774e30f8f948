using Checkpointer.Formats.Identity;
using Checkpointer.Formats.Layouts;
using Checkpointer.TestKit;

namespace Checkpointer.Agent.Tests.Arenas;

/// <summary>A layout and bytes for it.</summary>
internal static class TestImage
{
    public static readonly RunId Run = RunId.Parse("sft-demo");

    /// <summary>Bytes of one unnamed kind, all of them stored by the rank.</summary>
    public static Layout Plain(int bytes) => new LayoutBuilder().Add("w", DType.U8, [bytes]).Build();

    /// <summary>A stored tensor, then one that another rank stores.</summary>
    public static Layout WithReplica(int storedBytes, int replicatedBytes) => new LayoutBuilder()
        .Add("w", DType.U8, [storedBytes])
        .Add("z", DType.U8, [replicatedBytes], Replicated(replicatedBytes), stored: false)
        .Build();

    public static byte[] Bytes(Layout layout, int seed) => TestBytes.Make((int)layout.ImageBytes, seed);

    public static CheckpointId Id(long step, int attempt = 1) => new(new Step(step), new Attempt(attempt));

    private static Placement Replicated(int bytes) => new()
    {
        GlobalShape = [bytes],
        Offsets = [0],
        Replicas = [new Rank(0), new Rank(1)],
    };
}
