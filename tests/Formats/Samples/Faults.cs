using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Tests.Samples;

/// <summary>Assertions about format faults.</summary>
internal static class Faults
{
    /// <summary>Fails unless the call throws exactly that fault.</summary>
    public static void Expect(Enum fault, Action parse)
    {
        var thrown = Assert.ThrowsAny<FormatFaultException>(parse);
        Assert.Equal(fault, thrown.Fault);
        Assert.False(thrown.IsTransient);
    }

    /// <summary>
    /// Whether the bytes parse. A named fault is a no; any other exception escapes and fails the test: parsers are total.
    /// </summary>
    public static bool Parses(Action parse)
    {
        try
        {
            parse();
            return true;
        }
        catch (FormatFaultException e)
        {
            Assert.True(Enum.IsDefined(e.Fault.GetType(), e.Fault));
            return false;
        }
    }
}
