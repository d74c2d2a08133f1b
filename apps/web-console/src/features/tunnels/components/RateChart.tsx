import { useComputedColorScheme } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatBitRate } from '../../../lib/format-quantity.js';
import type { RateSample } from '../rate-history.js';
import { useRateSamples } from '../use-rate-history.js';

const HEIGHT = 150;
const WINDOW_SECONDS = 120;
const TICKS_SECONDS = [120, 90, 60, 30, 0];

interface RateChartProps {
  readonly tunnelId: string;
  /** What the two lines are: `Amsterdam → Berlin`. */
  readonly labels: readonly [string, string];
}

/** The last two minutes of a tunnel's rates, one line per direction. */
export function RateChart({ tunnelId, labels: [there, back] }: RateChartProps): ReactNode {
  const container = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const scheme = useComputedColorScheme();
  const samples = useRateSamples(tunnelId);
  const latest = useRef(samples);
  latest.current = samples;
  useEffect(() => {
    const element = container.current;
    if (element === null) return;
    const made = new UPlot(chartOptions(element, [there, back], scheme), seriesOf(latest.current), element);
    chart.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.current = null;
      made.destroy();
    };
  }, [there, back, scheme]);
  useEffect(() => chart.current?.setData(seriesOf(samples)), [samples]);
  return (
    <figure className="w-chart" aria-label={`Rates of the last ${WINDOW_SECONDS} s`}>
      <div ref={container} />
      <figcaption>
        <span className="w-key w-key-there">{there}</span>
        <span className="w-key w-key-back">{back}</span>
        <span className="w-dim">last 2 min, as seen by this page</span>
      </figcaption>
    </figure>
  );
}

function seriesOf(samples: readonly RateSample[]): UPlot.AlignedData {
  return [
    samples.map(({ at }) => at / 1000),
    samples.map(({ rates: [rate] }) => rate),
    samples.map(({ rates: [, rate] }) => rate),
  ];
}

function chartOptions(element: HTMLElement, labels: readonly [string, string], scheme: string): UPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--mantine-color-dimmed'),
    grid: { stroke: colour('--weft-line'), width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  const line = (label: string, name: string): UPlot.Series => ({
    label,
    stroke: colour(name),
    width: 1.75,
    points: { show: false },
    ...(scheme === 'dark' ? {} : { fill: `${colour(name)}12` }),
  });
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_chart, _min, max) => [max - WINDOW_SECONDS, max] },
      y: { range: (_chart, _min, max) => [0, Math.max(max * 1.15, 125)] },
    },
    axes: [
      {
        ...axis,
        splits: (chart) => TICKS_SECONDS.map((before) => (chart.scales['x']?.max ?? 0) - before),
        values: () => TICKS_SECONDS.map(ago),
        space: 70,
        size: 26,
      },
      { ...axis, values: (_chart, ticks) => ticks.map((tick) => formatBitRate(tick)), size: 76, space: 32 },
    ],
    series: [{}, line(labels[0], '--weft-there'), line(labels[1], '--weft-back')],
  };
}

function ago(seconds: number): string {
  return seconds === 0 ? 'now' : `−${seconds} s`;
}
