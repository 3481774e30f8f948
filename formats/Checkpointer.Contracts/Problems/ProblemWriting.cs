using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Http;

namespace Checkpointer.Contracts.Problems;

/// <summary>Making problems and writing them as answers.</summary>
internal static class ProblemWriting
{
    /// <summary>The problem of <paramref name="code"/>, with its usual status unless <paramref name="status"/> is given.</summary>
    public static Problem Create(ErrorCode code, string? detail, bool transient = false, int? status = null)
    {
        var name = CheckpointerProblem.NameOf(code);
        return new Problem
        {
            Type = CheckpointerProblem.TypeOf(code),
            Title = char.ToUpperInvariant(name[0]) + name[1..].Replace('_', ' '),
            Status = status ?? CheckpointerProblem.StatusOf(code),
            Detail = detail,
            Code = name,
            Transient = transient,
        };
    }

    /// <summary>Answers with <paramref name="problem"/>.</summary>
    public static Task WriteAsync(this Problem problem, HttpContext context, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = problem.Status;
        return context.Response.WriteAsJsonAsync(
            problem, ContractsJsonContext.Default.Problem, Problem.MediaType, cancellationToken);
    }
}
