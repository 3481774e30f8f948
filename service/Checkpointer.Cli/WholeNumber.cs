using System.CommandLine.Parsing;
using System.Globalization;

namespace Checkpointer.Cli;

/// <summary>Whole numbers on the command line.</summary>
internal static class WholeNumber
{
    /// <summary>Reads an option that must be from <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static Func<ArgumentResult, int> Between(int least, int most, int example) => result =>
        int.TryParse(result.Text(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && number >= least && number <= most
            ? number
            : result.Refuse<int>(
                string.Create(CultureInfo.InvariantCulture, $"is no whole number from {least} to {most}"),
                string.Create(CultureInfo.InvariantCulture, $"write one such as {example}"));
}
