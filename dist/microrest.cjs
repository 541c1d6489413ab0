module.exports = Object.assign(require('./microrest.js').default, require('./microrest.js'))
