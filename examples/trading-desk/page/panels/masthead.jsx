import { NodesBar } from './nodes.jsx'

/** @import { DeskClient } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */
/** @import { Link } from '../link.js' */

/** In one half of the side-by-side page there is no place to go to. */
const isFramed = window !== window.parent

/** @param {{ desk: Desk, client: DeskClient }} props */
export function Masthead({ desk, client }) {
  const { user, setup } = desk
  return (
    <header class="masthead">
      <div class="bar">
        <h1>Trading desk</h1>
        <nav class="users" aria-label="Signed in as">
          {setup.users.map((each) => (
            <a key={each} href={`/?user=${each}`} aria-current={each === user ? 'page' : undefined}>{each}</a>
          ))}
        </nav>
        <LinkState link={desk.link} client={client} />
        {!isFramed && (
          <nav class="views" aria-label="More tabs">
            <a href={`/?user=${user}&pick=`} target="_blank" rel="noopener">Second tab of {user}</a>
            <a href={`/side-by-side?user=${user}`}>Side by side</a>
          </nav>
        )}
      </div>
      {!isFramed && (
        <p class="intro">
          Tick symbols to hear of them, place an order that only {user} sees, then <a href="#slow">make this tab slow</a>: prices skip
          to the newest, trades are {setup.trades === 'drop' ? 'given up and counted' : 'late, but whole'}, and no other tab feels it.
        </p>
      )}
      <NodesBar desk={desk} />
      <div class="trouble" role="alert">
        {desk.trouble && <p>{desk.trouble} <button type="button" onClick={() => desk.dismiss()}>Dismiss</button></p>}
      </div>
    </header>
  )
}

/** @param {{ link: Link, client: DeskClient }} props */
function LinkState({ link, client }) {
  const { state, words, more } = describe(link)
  return (
    <div class={`link ${state}`}>
      <span role="status">{words}</span>
      {/* It changes every second: nothing that one wants to hear. */}
      <span class="more" aria-hidden="true">{more}</span>
      {(link.state === 'waiting' || link.state === 'stopped') && <button type="button" onClick={() => client.connect()}>Now</button>}
    </div>
  )
}

/** @param {Link} link */
function describe(link) {
  if (link.state === 'waiting') return { state: 'lost', words: 'Reconnecting', more: ` in ${link.secondsToWait} s` }
  if (link.state === 'stopped') return { state: 'lost', words: 'Refused', more: '' }
  if (link.state !== 'connected') return { state: 'lost', words: 'Connecting', more: '…' }
  if (link.isStale) return { state: 'stale', words: 'Stale', more: `: nothing for ${link.secondsSilent} s` }
  return { state: 'live', words: 'Connected', more: '' }
}
