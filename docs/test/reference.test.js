import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { entryPoints } from '../typedoc/entry-points.js'

// The reference as it was built, as a reader's browser sees it.

const REFERENCE = new URL('../reference/', import.meta.url)

const pages = new Map(htmlFiles().map((path) => [path, readFileSync(new URL(path, REFERENCE), 'utf8')]))

function htmlFiles() {
  const paths = readdirSync(REFERENCE, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'))
  return paths.filter((path) => path.endsWith('.html'))
}

/** @param {string} html */
function linksIn(html) {
  return Array.from(html.matchAll(/(?:href|src)="([^"]+)"/g), ([, link = '']) => link.replaceAll('&amp;', '&'))
}

/**
 * @param {string} link
 * @param {string} from
 */
function isGood(link, from) {
  const url = new URL(link, new URL(from, REFERENCE))
  if (url.protocol !== 'file:') return true
  const anchor = decodeURIComponent(url.hash).slice(1)
  url.hash = ''
  url.search = ''
  const html = pages.get(decodeURIComponent(url.href.slice(REFERENCE.href.length)))
  return existsSync(fileURLToPath(url)) && (anchor === '' || html === undefined || html.includes(`id="${anchor}"`))
}

test('the reference has no link that leads nowhere', () => {
  const broken = Array.from(pages).flatMap(([path, html]) => linksIn(html).filter((link) => !isGood(link, path)).map((link) => `${path}: ${link}`))

  assert.deepEqual(broken, [])
})

test('the reference has a page for each path that users import', () => {
  for (const specifier of entryPoints.keys()) {
    const html = pages.get(`modules/${specifier.replaceAll('/', '_')}.html`)
    assert.match(html ?? '', new RegExp(`<h1[^>]*>Module ${specifier}`))
  }
})
