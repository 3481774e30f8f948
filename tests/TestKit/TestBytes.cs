namespace Checkpointer.TestKit;

/// <summary>Bytes that look random and are the same for the same seed.</summary>
public static class TestBytes
{
    /// <summary>Makes <paramref name="length"/> bytes.</summary>
    public static byte[] Make(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
