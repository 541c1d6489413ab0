module.exports = require('./lambda.js')
