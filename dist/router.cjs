module.exports = Object.assign(require('./router.js').default, require('./router.js'))
