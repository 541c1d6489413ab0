// Colours and sizes of the pictures. Ours is the one that stands out.

/**
 * @typedef {object} Theme
 * @property {string} name
 * @property {string} background
 * @property {string} text
 * @property {string} muted text that is read second, and the peers
 * @property {string} line guides and axes
 * @property {string} ours
 * @property {string} peer
 */

/**
 * Those of the pages that the pictures are seen on. Each fills its background, for a page that does not change with the reader's theme.
 *
 * @type {Theme[]}
 */
export const THEMES = [
  { name: 'light', background: '#ffffff', text: '#1f2328', muted: '#59636e', line: '#d1d9e0', ours: '#bc4c00', peer: '#818b98' },
  { name: 'dark', background: '#0d1117', text: '#f0f6fc', muted: '#9198a1', line: '#3d444d', ours: '#f0883e', peer: '#7d8590' },
]

/** In px of a picture as wide as this. On a phone it is shown at half of that, and is to be legible still. */
export const SIZES = { width: 760, text: 15, title: 20, row: 25, margin: 16 }

export const FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
