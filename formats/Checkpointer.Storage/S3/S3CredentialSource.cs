using Checkpointer.Formats.Errors;

namespace Checkpointer.Storage.S3;

/// <summary>
/// The keys to sign with now. Keys of a file follow the file: it is read again once it may have changed, at the latest
/// after a second, and at once after the server refused the keys. A file that cannot be read while it is being
/// replaced leaves the last keys in use. Safe for concurrent use.
/// </summary>
internal sealed class S3CredentialSource
{
    private static readonly TimeSpan RereadAfter = TimeSpan.FromSeconds(1);

    private readonly S3CredentialSettings _settings;
    private readonly TimeProvider _timeProvider;
    private readonly Lock _gate = new();
    private S3Credentials _current;
    private long _readAt;
    private bool _refused;
    private string? _trouble;

    /// <summary>Reads the keys; that there are none is <see cref="ErrorCode.ConfigurationInvalid"/>.</summary>
    public S3CredentialSource(S3CredentialSettings settings, TimeProvider timeProvider)
    {
        _settings = settings;
        _timeProvider = timeProvider;
        _current = settings.Given ?? AwsCredentialsFile.Read(settings.File, settings.Profile);
        _readAt = timeProvider.GetTimestamp();
    }

    /// <summary>Where the keys come from, for messages, and what is wrong there now.</summary>
    public string Description => _settings.Given is null
        ? $"section [{_settings.Profile}] of '{_settings.File}'" + (_trouble is null ? "" : $" (which cannot be used at present: {_trouble})")
        : _settings.GivenBy;

    /// <summary>The keys to use for the next request.</summary>
    public S3Credentials Current()
    {
        if (_settings.Given is not null)
        {
            return _current;
        }

        lock (_gate)
        {
            if (_refused || _timeProvider.GetElapsedTime(_readAt) >= RereadAfter)
            {
                _refused = false;
                _readAt = _timeProvider.GetTimestamp();
                try
                {
                    _current = AwsCredentialsFile.Read(_settings.File, _settings.Profile);
                    _trouble = null;
                }
                catch (CheckpointerException e)
                {
                    _trouble = e.Message;
                }
            }

            return _current;
        }
    }

    /// <summary>The server did not take the keys: the next request reads the file first.</summary>
    public void Refused()
    {
        lock (_gate)
        {
            _refused = true;
        }
    }
}
