using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Checkpointer.Cli;

/// <summary>A span of time as people write it: <c>30s</c>, <c>10m</c>, <c>1h30m</c>, <c>500ms</c>, <c>7d</c>, <c>hh:mm:ss</c>, <c>0</c>.</summary>
internal readonly partial record struct Duration(TimeSpan Value)
{
    /// <summary>What is accepted, for a message.</summary>
    public const string Examples = "30s, 10m, 1h30m or 500ms";

    /// <summary>Reads an option of the command line that must be from <paramref name="least"/> to <paramref name="most"/>, or perhaps 0.</summary>
    public static Func<ArgumentResult, Duration> Between(TimeSpan least, TimeSpan most, bool orZero = false) => result =>
    {
        var text = result.Text();
        if (!TryParse(text, out var value))
        {
            return result.Refuse<Duration>("is no duration", $"write one such as {Examples}");
        }

        return (orZero && value == TimeSpan.Zero) || (value >= least && value <= most)
            ? new Duration(value)
            : result.Refuse<Duration>(
                "is out of range", $"write {(orZero ? "0, or " : "")}a duration from {new Duration(least)} to {new Duration(most)}, such as {Example(least, most)}");
    };

    /// <summary>Reads whole numbers with d, h, m, s and ms behind them, in that order; hh:mm:ss; or 0.</summary>
    public static bool TryParse(string text, out TimeSpan value)
    {
        value = TimeSpan.Zero;
        if (text == "0" || (Clock().IsMatch(text) && TimeSpan.TryParseExact(text, "c", CultureInfo.InvariantCulture, out value)))
        {
            return true;
        }

        var parts = Parts().Match(text);
        if (!parts.Success || text.Length == 0)
        {
            return false;
        }

        // Cannot overflow: the pattern bounds every number.
        value = TimeSpan.FromDays(Number("d")) + TimeSpan.FromHours(Number("h")) + TimeSpan.FromMinutes(Number("m"))
            + TimeSpan.FromSeconds(Number("s")) + TimeSpan.FromMilliseconds(Number("ms"));
        return true;

        int Number(string unit) => parts.Groups[unit] is { Success: true } digits ? int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    /// <summary>As it would be written, to the millisecond.</summary>
    public override string ToString()
    {
        (int Number, string Unit)[] parts =
            [(Value.Days, "d"), (Value.Hours, "h"), (Value.Minutes, "m"), (Value.Seconds, "s"), (Value.Milliseconds, "ms")];
        var text = string.Concat(parts.Where(part => part.Number != 0).Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Number}{part.Unit}")));
        return text.Length == 0 ? "0" : text;
    }

    private static Duration Example(TimeSpan least, TimeSpan most)
    {
        TimeSpan[] round = [TimeSpan.FromHours(1), TimeSpan.FromMinutes(10), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(500)];
        return new Duration(round.FirstOrDefault(value => value >= least && value <= most, most));
    }

    [GeneratedRegex(@"\A(?:(?<d>[0-9]{1,6})d)?(?:(?<h>[0-9]{1,7})h)?(?:(?<m>[0-9]{1,9})m)?(?:(?<s>[0-9]{1,9})s)?(?:(?<ms>[0-9]{1,9})ms)?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Parts();

    [GeneratedRegex(@"\A([0-9]{1,6}\.)?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Clock();
}
