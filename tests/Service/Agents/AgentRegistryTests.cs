using Checkpointer.Contracts.Agents;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Agents;
using Checkpointer.Service.Tests.Driving;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.Service.Tests.Agents;

public sealed class AgentRegistryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AgentRegistry _agents;

    public AgentRegistryTests() => _agents = new AgentRegistry(RunningService.Options("/unused"), _time);

    [Fact]
    public void AliveCount_CountsAgentsUntilTheyAreSilentTooLong()
    {
        _agents.See(Presence("a"));
        _time.Advance(TimeSpan.FromSeconds(10));
        _agents.See(Presence("b"));
        _time.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(1, _agents.AliveCount);
        _agents.See(Presence("a"));
        Assert.Equal(2, _agents.AliveCount);
    }

    [Fact]
    public void See_AtTheLimit_TakesKnownOnesAndThoseThatReplaceTheDead()
    {
        for (var i = 0; i < AgentRegistry.MaxAgents; i++)
        {
            _agents.See(Presence($"n{i}"));
        }

        _agents.See(Presence("n0"));
        Assert.Equal(ErrorCode.LimitExceeded, Assert.Throws<CheckpointerException>(() => _agents.See(Presence("new"))).Code);
        _time.Advance(TimeSpan.FromMinutes(1));
        _agents.See(Presence("new"));
        Assert.Equal(1, _agents.AliveCount);
    }

    private static AgentPresence Presence(string node) =>
        new() { Node = node, Instance = "1", Address = "http://h:1", Holdings = [] };
}
