using Checkpointer.Formats.Errors;
using Microsoft.AspNetCore.Mvc;

namespace Checkpointer.Service.Api;

/// <summary>Which page of a listing is wanted.</summary>
/// <param name="After">The <c>next</c> of the page before; without it, the first.</param>
/// <param name="Limit">Most elements, 1 to 1,000; 100 without it.</param>
internal readonly record struct PageQuery(
    [property: FromQuery(Name = "after")] string? After,
    [property: FromQuery(Name = "limit")] int? Limit)
{
    /// <summary>The limit, or <c>invalid_request</c>.</summary>
    public int CheckedLimit() => Limit switch
    {
        null => ApiLimits.DefaultPageSize,
        >= 1 and <= ApiLimits.MaxPageSize => Limit.Value,
        _ => throw new CheckpointerException(
            ErrorCode.InvalidRequest, $"limit must be 1 to {ApiLimits.MaxPageSize}; it is {Limit}."),
    };
}
