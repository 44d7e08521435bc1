import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { LineChart } from './line-chart.tsx';
import { Donut, Gauge, Sparkline, StackedBar } from './parts.tsx';

it('says what a bar holds, and sizes its parts', () => {
  const html = renderToStaticMarkup(<StackedBar label="Open" parts={[{ name: 'high', value: 3 }, { name: 'low', value: 1 }, { name: 'info', value: 0 }]} most={8} />);
  expect(html).toContain('aria-label="Open: high 3, low 1, info 0"');
  expect(html).toContain('width:50%');
  expect(html.match(/flex-grow/g)).toHaveLength(2);
});

it.each([
  [undefined, 'Soc: not known'],
  [0, 'Soc: 0%'],
  [0.999, 'Soc: 99%'],
  [1, 'Soc: 100%'],
  [7, 'Soc: 100%'],
])('gauge %s', (value, want) => expect(renderToStaticMarkup(<Gauge label="Soc" value={value} />)).toContain(want));

it('draws nothing that is not a number', () => {
  for (const values of [[], [0], [0, 0], [1, 2, 3]]) {
    expect(renderToStaticMarkup(<Sparkline label="x" values={values} />)).not.toContain('NaN');
    expect(renderToStaticMarkup(<LineChart label="x" labels={values.map(String)} series={[{ name: 'a', values }]} stacked />)).not.toContain('NaN');
  }
  expect(renderToStaticMarkup(<Donut label="x" parts={[{ name: 'a', value: 0 }]} />)).not.toContain('NaN');
});

it('leaves a gap where nothing is known', () => {
  const html = renderToStaticMarkup(<LineChart label="x" labels={['a', 'b', 'c', 'd']} series={[{ name: 's', values: [1, undefined, 2, 3] }]} />);
  const d = /<path d="([^"]+)"/.exec(html)![1]!;
  expect(d.match(/M/g)).toHaveLength(2);
});
