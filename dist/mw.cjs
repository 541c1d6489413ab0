module.exports = require('./mw.js')
