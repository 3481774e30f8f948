using System.CommandLine;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Hosting;

namespace Checkpointer.Cli.Configuration;

/// <summary>
/// Where the service sends incidents, each half by itself: <c>--webhook</c> and <c>--webhook-secret-file</c>, their variables, or
/// the configuration file. What makes no sense is <see cref="ErrorCode.ConfigurationInvalid"/>.
/// </summary>
internal static class WebhookSetting
{
    private const string UrlVariable = "CHECKPOINTER_WEBHOOK";
    private const string SecretVariable = "CHECKPOINTER_WEBHOOK_SECRET_FILE";

    /// <summary>The receiver.</summary>
    public static readonly Option<Uri?> Url = new("--webhook")
    {
        Description = "Where incidents are sent, signed, such as https://scheduler/incidents. Needs --webhook-secret-file. "
            + $"{UrlVariable}; service.webhook.url of the configuration file.",
        HelpName = "URL",
        CustomParser = Addresses.Parse,
    };

    /// <summary>What signs.</summary>
    public static readonly Option<string?> SecretFile = new("--webhook-secret-file")
    {
        Description = "File with the secret that signs them, 16 to 4,096 bytes; read at each delivery. "
            + $"{SecretVariable}; service.webhook.secret_file of the configuration file.",
        HelpName = "FILE",
    };

    /// <summary>The webhook, or null if nothing names one.</summary>
    public static WebhookOptions? Of(ParseResult parsed)
    {
        var file = ConfigurationSetting.Of(parsed).Service.Webhook;
        var url = parsed.GetValue(Url) ?? (Variables.Get(UrlVariable) is { } text ? Addresses.Parse(text, UrlVariable) : file.Url);
        var secretFile = parsed.GetValue(SecretFile) ?? Variables.Get(SecretVariable) ?? file.SecretFile;
        return (url, secretFile) switch
        {
            (null, null or "") => null,
            ({ }, { Length: > 0 }) => new WebhookOptions { Url = url, SecretFile = Path.GetFullPath(secretFile) },
            _ => throw new CheckpointerException(
                ErrorCode.ConfigurationInvalid, "--webhook and --webhook-secret-file go together: incidents are always signed."),
        };
    }
}
