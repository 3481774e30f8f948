using System.Buffers.Binary;
using Checkpointer.Agent.Arenas;
using Checkpointer.Formats.Chunks;
using Checkpointer.Formats.Identity;
using Checkpointer.TestKit;

namespace Checkpointer.Agent.Tests.Arenas;

public sealed class ArenaHeaderTests
{
    private const int Page = ArenaGeometry.PageBytes;

    [Fact]
    public void TryRead_WhatWasWritten_IsEqual()
    {
        var header = Sample(7);

        Assert.Equal(header, ArenaHeader.Newest(Pages(header)));
    }

    [Fact]
    public void TryRead_AnyBitFlipped_IsNoPage()
    {
        var page = Pages(Sample(7)).AsSpan(Page, Page).ToArray();
        Assert.NotNull(ArenaHeader.TryRead(page));
        for (var bit = 0; bit < 8 * Page; bit++)
        {
            page[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.True(ArenaHeader.TryRead(page) is null, $"bit {bit} is not noticed");
            page[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void Newest_OneOfTwoPagesDamaged_IsTheOther()
    {
        var older = Sample(6) with { State = SlotState.Captured };
        var newer = Sample(7);
        Assert.Equal(newer, ArenaHeader.Newest(Pages(older, newer)));

        Assert.Equal(older, ArenaHeader.Newest(Damage(Pages(older, newer), Page + 30)));
        Assert.Equal(newer, ArenaHeader.Newest(Damage(Pages(older, newer), 30)));
        Assert.Null(ArenaHeader.Newest(Damage(Damage(Pages(older, newer), 30), Page + 30)));
    }

    [Fact]
    public void Newest_PageInTheOthersPlace_IsNoPage()
    {
        var pages = Pages(Sample(7));
        pages.AsSpan(Page, Page).CopyTo(pages);
        pages.AsSpan(Page).Clear();

        Assert.Null(ArenaHeader.Newest(pages));
    }

    [Fact]
    public void Newest_TooFewBytes_IsNothing()
    {
        var pages = Pages(Sample(6), Sample(7));
        foreach (var length in new[] { 0, 1, Page - 1 })
        {
            Assert.Null(ArenaHeader.Newest(pages.AsSpan(0, length)));
        }

        Assert.Equal(6, ArenaHeader.Newest(pages.AsSpan(0, (2 * Page) - 1))!.Sequence);
    }

    // A trainer, or anybody of its group, can write a page whose hash is right.
    [Theory]
    [InlineData(8, 2)]
    [InlineData(12, 6)]
    [InlineData(12, -1)]
    [InlineData(20, -1)]
    [InlineData(28, int.MaxValue)]
    [InlineData(32, 0)]
    [InlineData(32, 1_000_000)]
    [InlineData(36, -1)]
    [InlineData(36, 1_000_000)]
    [InlineData(40, -1)]
    [InlineData(44, -1)]
    [InlineData(44, SlotPool.MaxSlotNumber)]
    [InlineData(60, 4)]
    [InlineData(64, 0)]
    [InlineData(64, -5)]
    [InlineData(64, ChunkGeometry.MaxChunkBytes + 1)]
    [InlineData(68, -1)]
    [InlineData(68, ArenaGeometry.MaxExtraBytes + 1)]
    [InlineData(76, int.MaxValue)]
    [InlineData(76, -1)]
    [InlineData(80, 0)]
    [InlineData(80, ArenaGeometry.UsualDataOffset + Page)]
    [InlineData(88, 0)]
    [InlineData(88, 3 * Page)]
    [InlineData(92, -1)]
    [InlineData(128, -1)]
    [InlineData(128, ArenaGeometry.MaxNamesBytes + 1)]
    [InlineData(156, -1)]
    [InlineData(164, -1)]
    [InlineData(200, 0)]
    [InlineData(200, 255)]
    [InlineData(201, 0x2f2e2e2f)]
    public void TryRead_HostileValueWithRightHash_IsNoPage(int offset, int value)
    {
        var page = Pages(Sample(7)).AsSpan(Page, Page).ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(offset), value);
        ChunkHash.Compute(page.AsSpan(0, Page - ChunkHash.SizeBytes)).WriteTo(page.AsSpan(Page - ChunkHash.SizeBytes));

        Assert.Null(ArenaHeader.TryRead(page));
    }

    [Fact]
    public void TryRead_RandomBytes_NeverThrows()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var page = TestBytes.Make(Page, seed);
            "CKPTARNA"u8.CopyTo(page);
            BinaryPrimitives.WriteInt32LittleEndian(page.AsSpan(8), 1);
            ChunkHash.Compute(page.AsSpan(0, Page - ChunkHash.SizeBytes)).WriteTo(page.AsSpan(Page - ChunkHash.SizeBytes));
            Assert.Null(ArenaHeader.TryRead(page));
        }
    }

    [Fact]
    public void DataOffset_ManyChunks_LeavesRoomForTheirHashes()
    {
        const int Most = (ArenaGeometry.UsualDataOffset - ArenaGeometry.HashesOffset) / ChunkHash.SizeBytes;
        Assert.Equal(46_592, Most);
        Assert.Equal(ArenaGeometry.UsualDataOffset, ArenaGeometry.DataOffset(new ChunkGeometry(Most, 1)));
        Assert.Equal(ArenaGeometry.UsualDataOffset + Page, ArenaGeometry.DataOffset(new ChunkGeometry(Most + 1, 1)));
        Assert.Equal(
            ArenaGeometry.HashesOffset + (ChunkGeometry.MaxChunks * ChunkHash.SizeBytes),
            ArenaGeometry.DataOffset(new ChunkGeometry(ChunkGeometry.MaxChunks, 1)));
    }

    private static byte[] Pages(params ArenaHeader[] headers)
    {
        var pages = new byte[2 * Page];
        foreach (var header in headers)
        {
            header.WriteTo(pages);
        }

        return pages;
    }

    private static byte[] Damage(byte[] pages, int at)
    {
        pages[at] ^= 4;
        return pages;
    }

    private static ArenaHeader Sample(long sequence) => new()
    {
        Run = TestImage.Run,
        Rank = new Rank(3),
        Slot = 1,
        Generation = 0xfedc_ba98_7654_3210,
        Sequence = sequence,
        State = SlotState.Sealed,
        Drain = DrainState.Pending,
        Checkpoint = TestImage.Id(40, 2),
        WorldSize = 8,
        Durable = true,
        Resharded = true,
        ChunkBytes = 1000,
        ImageBytes = 5001,
        DataOffset = ArenaGeometry.UsualDataOffset,
        DataBytes = 2 * Page,
        Layout = new string('a', 64),
        Root = ChunkHash.Compute("root"u8),
        ExtraBytes = 12,
        ExtraHash = ChunkHash.Compute("extra"u8),
        NamesBytes = 7,
        NamesHash = ChunkHash.Compute("names"u8),
        NanCount = 5,
        InfCount = 6,
    };
}
