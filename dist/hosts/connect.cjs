module.exports = require('./connect.js')
