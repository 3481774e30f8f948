using System.Text.Json.Serialization;
using Checkpointer.Cli.Doctor;
using Checkpointer.Cli.Verifying;
using Checkpointer.Contracts;

namespace Checkpointer.Cli;

/// <summary>What <c>--output json</c> writes, named as the service's own JSON.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(SnakeCaseEnumConverter)])]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(VerifyResult))]
internal sealed partial class OutputJsonContext : JsonSerializerContext;
