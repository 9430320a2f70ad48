import { MAIN_SERIES } from '../../series.js'
import { formatDecimal } from '../format.js'
import { Figure } from './figure.jsx'
import { Panel } from './panel.jsx'

/** @import { Desk } from '../desk.js' */

/** @param {{ desk: Desk }} props */
export function MetricsPanel({ desk }) {
  const { link, metrics } = desk
  return (
    <Panel id="metrics" title="Metrics" help={<Help />}>
      <details onToggle={({ currentTarget }) => desk.watchMetrics(currentTarget.open)}>
        <summary>Of node {link.node ?? '–'}, once a second while this is open</summary>
        <dl>
          {Object.entries(MAIN_SERIES).filter(([name]) => name in metrics).map(([name, words]) => (
            <Figure key={name} name={<><code>{name}</code> {words}</>}>{formatDecimal(metrics[name], name.endsWith(' mean') ? 1 : 0)}</Figure>
          ))}
        </dl>
      </details>
    </Panel>
  )
}

function Help() {
  return (
    <>
      <p>
        What a server would hand to OpenTelemetry or Prometheus: the main ones of the series that the library’s <code>instrument</code> measures.
        Here, a small meter keeps them, and a stream brings them.
      </p>
      <p>
        The page subscribes when you open this, and unsubscribes when you close it. Each node counts for itself, from its start.
        After a move, these are the figures of the other node.
      </p>
    </>
  )
}
