using System.CommandLine;

namespace Checkpointer.Cli.Configuration;

/// <summary>Where a verb finds the service: <c>--service</c>, CHECKPOINTER_SERVICE, the configuration file, or on this machine.</summary>
internal static class ServiceSetting
{
    private const string Variable = "CHECKPOINTER_SERVICE";

    /// <summary>Where the service listens unless told otherwise.</summary>
    public static readonly Uri Default = new("http://127.0.0.1:7070");

    /// <summary>The option, of every verb that talks to the service.</summary>
    public static readonly Option<Uri?> Option = new("--service")
    {
        Description = $"Where the service is. {Variable}; service.address of the configuration file; else {Default.GetLeftPart(UriPartial.Authority)}.",
        HelpName = "URL",
        CustomParser = Addresses.Parse,
    };

    /// <summary>The address that something names, or null.</summary>
    public static Uri? Find(ParseResult parsed) =>
        parsed.GetValue(Option)
        ?? (Variables.Get(Variable) is { } address ? Addresses.Parse(address, Variable) : ConfigurationSetting.Of(parsed).Service.Address);

    /// <summary>The address.</summary>
    public static Uri Of(ParseResult parsed) => Find(parsed) ?? Default;
}
