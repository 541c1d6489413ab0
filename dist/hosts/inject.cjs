module.exports = require('./inject.js')
