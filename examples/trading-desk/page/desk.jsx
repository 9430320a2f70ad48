import { render } from 'preact'
import { App } from './app.jsx'
import './desk.css'
import { Desk } from './desk.js'
import { Link } from './link.js'
import { Painter } from './painter.js'
import { addressOf, readSetup, readVisit } from './setup.js'

const setup = readSetup(document)
const visit = readVisit(location.search, setup)
const { user } = visit
const root = /** @type {HTMLElement} */ (document.getElementById('desk'))

const painter = new Painter(() => render(<App desk={desk} link={link} />, root))
const desk = new Desk(setup, visit, {
  send: (command) => link.send(command),
  onPicks: (picks) => history.replaceState(null, '', addressOf({ user, picks })),
})
const link = new Link({
  url: () => streamAddress({ user, ...(desk.connection && { replaces: desk.connection }) }),
  onText: (text) => {
    desk.hear(text, Date.now())
    painter.paintSoon()
  },
  onChange: () => painter.paintSoon(),
})

document.title = `${user} – ${document.title}`
setInterval(() => desk.tally.tick(), 1_000)
// What somebody does shows at once. It is the last to hear of it, once the desk has changed.
for (const event of ['click', 'change', 'submit']) document.addEventListener(event, () => painter.paint())
addEventListener('online', () => link.connect())
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && link.connect())

painter.paint()
link.connect()

/** @param {Record<string, string>} query */
function streamAddress(query) {
  return `${location.origin.replace('http', 'ws')}/stream?${new URLSearchParams(query)}`
}
