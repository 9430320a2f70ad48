import { render } from 'preact'
// In a project of your own: 'stream-connection-manager/client'
import { createClient } from '../../../dist/client.js'
import { App } from './app.jsx'
import './desk.css'
import { Desk } from './desk.js'
import { Link } from './link.js'
import { Painter } from './painter.js'
import { addressOf, readSetup, readVisit } from './setup.js'

/** @import { DeskClient } from '../streams.js' */

const setup = readSetup(document)
const visit = readVisit(location.search, setup)
const { user } = visit
const root = /** @type {HTMLElement} */ (document.getElementById('desk'))
const stream = `${location.origin.replace('http', 'ws')}/stream?${new URLSearchParams({ user })}`

const painter = new Painter(() => render(<App desk={desk} client={client} />, root))
const onChange = () => painter.paintSoon()
/** @type {DeskClient} */
const client = createClient({
  connect: () => new WebSocket(stream),
  backoff: { minMs: 500, maxMs: 15_000 },
  // The server says something twice a second. After this silence, it is asked whether it is there; and after that one, it is taken for dead.
  pingMs: 4_000,
  pongMs: 10_000,
  lingerMs: 0,
})
const link = new Link(client, onChange)
const desk = new Desk(setup, visit, { client, link, onChange, onPicks: (picks) => history.replaceState(null, '', addressOf({ user, picks })) })

document.title = `${user} – ${document.title}`
setInterval(() => {
  desk.tally.tick()
  onChange()
}, 1_000)
// What somebody does shows at once. It is the last to hear of it, once the desk has changed.
for (const event of ['click', 'change', 'submit']) document.addEventListener(event, () => painter.paint())
painter.paint()
