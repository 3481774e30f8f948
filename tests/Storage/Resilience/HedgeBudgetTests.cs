using Checkpointer.Storage.Resilience;

namespace Checkpointer.Storage.Tests.Resilience;

public sealed class HedgeBudgetTests
{
    [Fact]
    public void TrySpend_IsAShareOfAllReads()
    {
        var budget = new HedgeBudget(0.05);
        var spent = 0;
        for (var i = 0; i < 10_000; i++)
        {
            budget.Earn();
            if (budget.TrySpend(1))
            {
                budget.Return(1);
                spent++;
            }
        }

        Assert.InRange(spent, 490, 502);
    }

    [Fact]
    public void TrySpend_SavesUpAFewAtMost()
    {
        var budget = new HedgeBudget(0.05);
        for (var i = 0; i < 10_000; i++)
        {
            budget.Earn();
        }

        Assert.Equal(8, Enumerable.Range(0, 100).Count(_ => budget.TrySpend(0)));
    }

    [Fact]
    public void TrySpend_BoundsLengthAndBytesAtOnce()
    {
        var budget = new HedgeBudget(0.2);
        Assert.True(budget.Covers(HedgeBudget.MaxReadBytes));
        Assert.False(budget.Covers(HedgeBudget.MaxReadBytes + 1));
        Assert.False(new HedgeBudget(0).Covers(0));
        Assert.False(new HedgeBudget(0).TrySpend(0));
        for (var i = 0; i < 100; i++)
        {
            budget.Earn();
        }

        Assert.True(budget.TrySpend(HedgeBudget.MaxReadBytes));
        Assert.True(budget.TrySpend(HedgeBudget.MaxReadBytes));
        Assert.False(budget.TrySpend(1));
        budget.Return(HedgeBudget.MaxReadBytes);
        Assert.True(budget.TrySpend(HedgeBudget.MaxReadBytes));
    }
}
