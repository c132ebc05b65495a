// Charts in the console's colours: quiet axes, exact tooltips, money and times as everywhere else.
import {
  Area,
  AreaChart,
  Bar,
  BarChart,
  CartesianGrid,
  Line,
  LineChart,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { useLocale, useSite, useTranslate } from "./store";
import { duration, exactNumber, money, shortNumber } from "./format";

const HOUR = 3600;

const colour = (index) => `var(--chart-${(index % 8) + 1})`;

const writers = {
  quota: (value, site) => money(value, site),
  ms: (value) => duration(value),
  count: (value) => shortNumber(value),
  tokens: (value) => shortNumber(value),
};

const exact = (value, unit, site) => (unit === "count" || unit === "tokens" ? exactNumber(value) : writers[unit](value, site));

function bucketSize(data) {
  return data.length > 1 ? data[1].at - data[0].at : 24 * HOUR;
}

function timeLabel(at, size, locale, full) {
  const date = new Date(at * 1000);
  const day = date.toLocaleDateString(locale === "zh" ? "zh-CN" : "en", { month: "short", day: "numeric" });
  if (size >= 24 * HOUR) return day;
  const hour = `${String(date.getHours()).padStart(2, "0")}:00`;
  return full ? `${day} ${hour}` : hour;
}

function Hint({ active, payload, label, unit, size }) {
  const site = useSite();
  const locale = useLocale();
  if (!active || !payload?.length) return null;
  const shown = payload.filter((part) => part.value).reverse();
  const total = shown.reduce((sum, part) => sum + part.value, 0);
  return (
    <div className="chart-hint">
      <div className="chart-hint-head">
        <span>{timeLabel(label, size, locale, true)}</span>
        <b className="num">{exact(total, unit, site)}</b>
      </div>
      {shown.slice(0, 10).map((part) => (
        <div key={part.dataKey} className="chart-hint-row">
          <i style={{ background: part.color }} />
          <span>{part.name}</span>
          <b className="num">{exact(part.value, unit, site)}</b>
        </div>
      ))}
    </div>
  );
}

/** The series of everything that has none of its own is sent as "…". */
const seriesName = (name, translate) => (name === "…" ? translate("dashboard.other") : name);

function Legend({ series }) {
  const translate = useTranslate();
  if (series.length < 2) return null;
  return (
    <ul className="chart-legend">
      {series.map((name, index) => (
        <li key={name}>
          <i style={{ background: colour(index) }} />
          {seriesName(name, translate)}
        </li>
      ))}
    </ul>
  );
}

function Frame({ chart: Chart, data, unit, height, label, series, children }) {
  const site = useSite();
  const locale = useLocale();
  const size = bucketSize(data);
  return (
    <figure className="chart" role="img" aria-label={label}>
      <ResponsiveContainer width="100%" height={height}>
        <Chart data={data} margin={{ top: 8, right: 4, bottom: 0, left: 0 }} barCategoryGap="28%">
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="at"
            tickFormatter={(at) => timeLabel(at, size, locale)}
            tickLine={false}
            axisLine={false}
            minTickGap={28}
            tick={{ fontSize: 11, fill: "var(--faint)" }}
          />
          <YAxis
            width="auto"
            tickFormatter={(value) => writers[unit](value, site)}
            tickLine={false}
            axisLine={false}
            tickCount={4}
            tick={{ fontSize: 11, fill: "var(--faint)" }}
          />
          <Tooltip
            cursor={{ fill: "var(--hover)", stroke: "var(--line)" }}
            content={<Hint unit={unit} size={size} />}
            isAnimationActive={false}
          />
          {children}
        </Chart>
      </ResponsiveContainer>
      <Legend series={series} />
    </figure>
  );
}

export function StackedBars({ data = [], series = [], unit = "count", height = 260, label }) {
  const translate = useTranslate();
  return (
    <Frame chart={BarChart} data={data} unit={unit} height={height} label={label} series={series}>
      {series.map((name, index) => (
        <Bar
          key={name}
          dataKey={(row) => row[name] ?? 0}
          name={seriesName(name, translate)}
          stackId="all"
          fill={colour(index)}
          maxBarSize={36}
          radius={index === series.length - 1 ? [3, 3, 0, 0] : 0}
          isAnimationActive={false}
        />
      ))}
    </Frame>
  );
}

export function Lines({ data = [], series = [], unit = "count", height = 220, label }) {
  return (
    <Frame chart={LineChart} data={data} unit={unit} height={height} label={label} series={series}>
      {series.map((name, index) => (
        <Line
          key={name}
          dataKey={(row) => row[name] ?? null}
          name={name}
          stroke={colour(index)}
          strokeWidth={1.75}
          dot={false}
          connectNulls
          isAnimationActive={false}
        />
      ))}
    </Frame>
  );
}

export function Sparkline({ values = [] }) {
  const data = values.map((value, index) => ({ index, value }));
  return (
    <div className="sparkline" aria-hidden>
      <ResponsiveContainer width="100%" height={36}>
        <AreaChart data={data} margin={{ top: 2, right: 0, bottom: 2, left: 0 }}>
          <Area
            dataKey="value"
            stroke="var(--accent-9)"
            strokeWidth={1.5}
            fill="var(--accent-3)"
            isAnimationActive={false}
          />
        </AreaChart>
      </ResponsiveContainer>
    </div>
  );
}
