module.exports = Object.assign(require('./microrest.min.js').default, require('./microrest.min.js'))
