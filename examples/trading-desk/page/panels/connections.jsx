import { Panel } from './panel.jsx'

/** @import { ConnectionFacts } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */

/** @param {{ desk: Desk }} props */
export function ConnectionsPanel({ desk }) {
  const { shared = [], connections = [] } = desk.connections ?? {}
  return (
    <Panel id="connections" title={`Tabs of ${desk.user}`} help={<Help user={desk.user} />}>
      <p class="shared"><b>All tabs</b> <Symbols symbols={shared} /></p>
      {/* What scrolls can be scrolled by key as well. */}
      <div class="list" tabindex={0} role="region" aria-label="List of tabs">
        <ul>{connections.map((facts) => <ConnectionRow key={facts.id} facts={facts} isThis={facts.id === desk.connection} />)}</ul>
      </div>
    </Panel>
  )
}

/** @param {{ facts: ConnectionFacts, isThis: boolean }} props */
function ConnectionRow({ facts: { id, symbols, slow, behind }, isThis }) {
  return (
    <li>
      <span><b>{isThis ? 'This tab' : 'Another tab'}</b> <code>{id}</code></span>
      <span class={behind ? 'state telling' : 'state'}>{slow ? 'slow line, ' : ''}{behind ? 'behind' : 'keeps up'}</span>
      <Symbols symbols={symbols} />
    </li>
  )
}

/** @param {{ symbols: readonly string[] }} props */
function Symbols({ symbols }) {
  return <span class="symbols">{symbols.length === 0 ? 'nothing picked' : symbols.join(', ')}</span>
}

/** @param {{ user: string }} props */
function Help({ user }) {
  return (
    <>
      <p>Each tab of {user} is a connection of its own. Here stands what each asked for itself, and what {user} asked for all of them.</p>
      <p>Close a tab, and its line is gone at once, with all that it alone listened to. With the last one everything of {user} goes.</p>
    </>
  )
}
