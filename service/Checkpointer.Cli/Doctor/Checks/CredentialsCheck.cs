using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Where the store's keys come from (never what they are), and whether others can read them there.</summary>
internal sealed class CredentialsCheck : ICheck
{
    public Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Finding>>([Look(surroundings)]);

    private static Finding Look(Surroundings surroundings)
    {
        try
        {
            if (surroundings.Options.Store is not { } store || S3Connection.Describe(store) is not { } s3)
            {
                return Finding.Skipped("the store needs none");
            }

            if (s3.CredentialsFile is not { } file)
            {
                return Finding.Ok($"from {s3.CredentialsFrom}");
            }

            const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            return !File.Exists(file)
                ? Finding.Failed(
                    $"'{file}' is not there, and nothing else gives keys",
                    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a credentials file (credentials_file=… in the URL).")
                : (File.GetUnixFileMode(file) & Others) != 0
                    ? Finding.Warning($"from {s3.CredentialsFrom}, which others can read", $"chmod 600 '{file}'.")
                    : Finding.Ok($"from {s3.CredentialsFrom}");
        }
        catch (CheckpointerException e)
        {
            return Finding.Failed(e.Message, "Correct the store's URL, options or environment.");
        }
    }
}
