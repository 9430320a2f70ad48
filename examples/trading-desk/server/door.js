/** @import { IncomingMessage } from 'node:http' */

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * The address of a request, if it is one.
 *
 * @param {IncomingMessage} request
 */
export function urlOf({ url = '/' }) {
  return URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : undefined
}

/**
 * Whether a request is meant for this machine, and comes from a page of this server where it comes from one: other sites
 * can make a browser ask, too.
 *
 * @param {IncomingMessage} request
 */
export function isOurs({ headers: { host = '', origin } }) {
  if (!LOOPBACK.has(host.replace(/:\d+$/, ''))) return false
  return origin === undefined || origin === `http://${host}`
}

/**
 * Who it is: a stand-in, which takes the page's word for it. Your server finds that out by a cookie or a token.
 *
 * @param {IncomingMessage} request
 * @param {readonly string[]} users who may sign in
 */
export function authenticate(request, users) {
  const claimed = urlOf(request)?.searchParams.get('user')
  return users.find((userId) => userId === claimed)
}
