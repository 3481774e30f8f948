using System.CommandLine;

namespace Checkpointer.Cli.Configuration;

/// <summary>The global option <c>--config</c>, and the file that it or its absence names.</summary>
internal static class ConfigurationSetting
{
    /// <summary>The variable that names the file.</summary>
    public const string Variable = "CHECKPOINTER_CONFIG";

    /// <summary>The option, of every verb.</summary>
    public static readonly Option<string?> Option = new("--config")
    {
        Description = "Configuration file (JSON). CHECKPOINTER_CONFIG; else the first there is of "
            + "~/.config/checkpointer/config.json and /etc/checkpointer/config.json.",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>The file that counts, or null if there is none.</summary>
    public static string? PathOf(ParseResult parsed) =>
        parsed.GetValue(Option) ?? Variables.Get(Variable) ?? UsualPaths().FirstOrDefault(File.Exists);

    /// <summary>
    /// What the file says. A named one must exist. <paramref name="warn"/> is told if others can read a file with secrets.
    /// </summary>
    public static ConfigurationFile Of(ParseResult parsed, Action<string>? warn = null) =>
        PathOf(parsed) is { } path ? Load(path, warn) : ConfigurationFile.Empty;

    /// <summary>The same of a file that is known.</summary>
    public static ConfigurationFile Load(string path, Action<string>? warn)
    {
        var file = ConfigurationFile.Load(path);
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        if (file.HasSecrets && (File.GetUnixFileMode(path) & Others) != 0)
        {
            warn?.Invoke($"'{path}' holds a secret and others can read it: chmod 600 '{path}'.");
        }

        return file;
    }

    private static IEnumerable<string> UsualPaths()
    {
        var home = Variables.Get("XDG_CONFIG_HOME") ?? (Variables.Get("HOME") is { } own ? Path.Combine(own, ".config") : null);
        if (home is not null)
        {
            yield return Path.Combine(home, "checkpointer", "config.json");
        }

        yield return "/etc/checkpointer/config.json";
    }
}
